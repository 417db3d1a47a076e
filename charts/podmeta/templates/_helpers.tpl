{{/*
Names, labels and the few facts that several objects need. Nothing here decides what is allowed: see refusals.yaml.
*/}}

{{- define "podmeta.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters, so that a suffix still fits into the 63 of a Service. */}}
{{- define "podmeta.fullname" -}}
{{- $name := include "podmeta.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "podmeta.serviceAccountName" -}}
{{- default (include "podmeta.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The name under which the API server calls, and which the certificate must have. */}}
{{- define "podmeta.host" -}}
{{- printf "%s.%s.svc" (include "podmeta.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "podmeta.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- $digest := .Values.image.digest -}}
{{- if $digest -}}{{ printf "%s:%s@%s" .Values.image.repository $tag $digest }}{{- else -}}{{ printf "%s:%s" .Values.image.repository $tag }}{{- end -}}
{{- end -}}

{{/* "true" where the service writes the caBundle; with cert-manager somebody else does. */}}
{{- define "podmeta.announces" -}}
{{- if ne .Values.certificates.mode "cert-manager" }}true{{ end -}}
{{- end -}}

{{/* "true" where the service itself talks to the API server; else it has no reason to, and no token. */}}
{{- define "podmeta.talks" -}}
{{- if or (include "podmeta.announces" .) .Values.ambassador.foresight }}true{{ end -}}
{{- end -}}

{{/* The Secret with the CA that the service makes. Not the name of one that cert-manager makes: the mode can be changed. */}}
{{- define "podmeta.caSecret" -}}
{{- printf "%s-ca" (include "podmeta.fullname" .) -}}
{{- end -}}

{{/* The Secret that is mounted, "" where the service keeps its certificate in memory. */}}
{{- define "podmeta.tlsSecret" -}}
{{- if eq .Values.certificates.mode "secret" -}}{{ .Values.certificates.secret.name }}
{{- else if eq .Values.certificates.mode "cert-manager" -}}{{ printf "%s-serving" (include "podmeta.fullname" .) }}{{- end -}}
{{- end -}}

{{- define "podmeta.selector" -}}
app.kubernetes.io/name: {{ include "podmeta.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{/* Arguments: root, component, labels. */}}
{{- define "podmeta.labels" -}}
{{- $root := .root -}}
{{- $own := dict
  "app.kubernetes.io/name" (include "podmeta.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (default "webhook" .component)
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_")
-}}
{{- toYaml (merge $own (default dict .labels) $root.Values.commonLabels) -}}
{{- end -}}

{{/* The metadata of an object. Arguments: root, name, namespace ("" for a cluster's object), component, labels, annotations. */}}
{{- define "podmeta.metadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "podmeta.labels" . | nindent 2 }}
{{- with merge (dict) (default dict .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Pod Security `restricted` asks for these. */}}
{{- define "podmeta.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "podmeta.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The minor of some clouds is "34+". */}}
{{- define "podmeta.kubernetesVersion" -}}
{{- $found := printf "%s.%s" .Capabilities.KubeVersion.Major (regexFind "^[0-9]+" .Capabilities.KubeVersion.Minor) -}}
{{- default $found .Values.kubernetesVersion -}}
{{- end -}}

{{/* Namespaces whose pods are never looked at: sorted, each once, so that the order of values makes no difference. */}}
{{- define "podmeta.excludedNamespaces" -}}
{{- concat .Values.webhook.systemNamespaces .Values.webhook.excludedNamespaces (list .Release.Namespace) | uniq | sortAlpha | toJson -}}
{{- end -}}
