{{/* The name that all objects share: the release's, if it begins with the chart's. */}}
{{- define "standin.name" -}}
{{- if hasPrefix .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "standin.labels" -}}
app: {{ include "standin.name" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
release: {{ .Release.Name | quote }}
heritage: {{ .Release.Service | quote }}
{{- end -}}

{{- define "standin.account" -}}
{{- .Values.serviceAccount.name | default (include "standin.name" .) -}}
{{- end -}}
