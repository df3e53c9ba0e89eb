"""What Prometheus and Grafana are given of a runner: alert rules and a dashboard, made of its settings."""
