{{/*
The service's settings, each under its own name: docs/settings.md says what they do.
*/}}
{{- define "podmeta.environment" -}}
{{- $tls := "/var/run/podmeta/tls" -}}
{{- $mode := .Values.certificates.mode -}}
{{- $defaults := dict -}}
{{- range $key, $value := .Values.defaults }}{{ $_ := set $defaults $key (toString $value) }}{{ end -}}
- name: PODMETA_PORT
  value: {{ .Values.ports.webhook | int | quote }}
- name: PODMETA_HEALTH_PORT
  value: {{ .Values.ports.health | int | quote }}
- name: PODMETA_DRAIN_SECONDS
  value: {{ .Values.drainSeconds | int | quote }}
- name: PODMETA_SHUTDOWN_GRACE # for reviews in flight after that: the API server waits no longer for any
  value: {{ .Values.webhook.timeoutSeconds | int | quote }}
- name: PODMETA_LOG_LEVEL
  value: {{ .Values.logLevel }}
- name: PODMETA_ON_INVALID
  value: {{ .Values.onInvalid }}
- name: PODMETA_DEFAULTS
  value: {{ toJson $defaults | quote }}
- name: PODMETA_KUBERNETES_VERSION
  value: {{ include "podmeta.kubernetesVersion" . | quote }}
- name: PODMETA_AMBASSADOR_IMAGE
  value: {{ .Values.ambassador.image | quote }}
- name: PODMETA_AMBASSADOR_USER
  value: {{ .Values.ambassador.user | int64 | quote }}
- name: PODMETA_AMBASSADOR_REQUESTS
  value: {{ toJson .Values.ambassador.resources.requests | quote }}
- name: PODMETA_AMBASSADOR_LIMITS
  value: {{ toJson .Values.ambassador.resources.limits | quote }}
- name: PODMETA_SERVICE_NAMES # what the certificate must be for
  value: {{ include "podmeta.host" . }}
- name: PODMETA_CERTIFICATES
  value: {{ eq $mode "self-managed" | ternary "self-managed" "files" }}
{{- if eq $mode "self-managed" }}
- name: PODMETA_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: PODMETA_OWNER # the Deployment that owns the Secret with the CA, so that both go together
  value: {{ include "podmeta.fullname" . }}
- name: PODMETA_CA_SECRET
  value: {{ include "podmeta.caSecret" . }}
- name: PODMETA_CERTIFICATE_LIFETIME
  value: {{ .Values.certificates.selfManaged.duration }}
- name: PODMETA_CA_LIFETIME
  value: {{ .Values.certificates.selfManaged.caDuration }}
{{- else }}
- name: PODMETA_TLS_CERT_FILE
  value: {{ $tls }}/tls.crt
- name: PODMETA_TLS_KEY_FILE
  value: {{ $tls }}/tls.key
- name: PODMETA_TLS_CA_FILE # what /readyz checks the certificate against
  value: {{ $tls }}/ca.crt
{{- end }}
{{- if .Values.ambassador.foresight }}
- name: PODMETA_FORESIGHT
  value: "true"
{{- end }}
{{- if include "podmeta.announces" . }}
- name: PODMETA_WEBHOOK_CONFIGURATION # whose caBundle the service writes; without a name it writes none
  value: {{ include "podmeta.fullname" . }}
{{- end }}
{{- if .Values.certificates.clientCA }}
- name: PODMETA_TLS_CLIENT_CA_FILE
  value: /var/run/podmeta/client-ca/ca.crt
{{- end }}
{{- end -}}
