"""podmeta: a pod's own metadata, and the Kubernetes API on localhost, by one annotation."""

__version__ = "0.1.0"
