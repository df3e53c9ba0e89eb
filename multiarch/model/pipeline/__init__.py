"""The jobs that users get from `templates/`, as GitLab would hand them to the runner."""

from multiarch.model.pipeline.jobs import PipelineJob, TemplateError, TemplatesMissing, classic_jobs, component_jobs

__all__ = ["PipelineJob", "TemplateError", "TemplatesMissing", "classic_jobs", "component_jobs"]
