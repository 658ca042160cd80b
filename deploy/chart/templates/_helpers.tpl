{{/* A manifest of deploy/, in the release's namespace. Arguments: the context, the file. */}}
{{- define "virtualip.manifest" -}}
{{- $context := index . 0 -}}
{{- $name := $context.Release.Namespace -}}
{{- $context.Files.Get (index . 1) | replace "namespace: virtualip-system" (printf "namespace: %s" $name) | replace "name: virtualip-system" (printf "name: %s" $name) | replace ":virtualip-system:" (printf ":%s:" $name) -}}
{{- end -}}

{{/* The same with what the values add to some kinds. Arguments: the context, the file, whether the objects outlive the
     release where the CRD does. */}}
{{- define "virtualip.objects" -}}
{{- $values := (index . 0).Values -}}
{{- $keep := and (index . 2) $values.crd.keep -}}
{{- range splitList "\n---\n" (include "virtualip.manifest" .) }}
---
{{- $object := fromYaml . }}
{{- $annotations := dict }}
{{- if $keep }}{{ $_ := set $annotations "helm.sh/resource-policy" "keep" }}{{ end }}
{{- if and $values.logLevel (eq $object.kind "ConfigMap") }}
{{- $_ := set $annotations "virtualip.dev/log-level" $values.logLevel }}
{{- end }}
{{- if $annotations }}{{ $_ := set $object.metadata "annotations" $annotations }}{{ end }}
{{- if and $values.imagePullSecrets (eq $object.kind "ServiceAccount") }}
{{- $_ := set $object "imagePullSecrets" $values.imagePullSecrets }}
{{- end }}
{{- if has $object.kind (list "PodMonitor" "PrometheusRule") }}
{{- $_ := set $object.metadata "labels" (merge (dict) $values.monitoring.labels $object.metadata.labels) }}
{{- end }}
{{ toYaml $object }}
{{- end }}
{{- end -}}

{{/* An image. Arguments: the context, its values, what its tag ends with. */}}
{{- define "virtualip.image" -}}
{{- $image := index . 1 -}}
{{- $tag := $image.tag | default (index . 0).Chart.AppVersion -}}
{{- printf "%s:%s%s" $image.repository $tag (index . 2) -}}
{{- with empty (index . 2) | ternary $image.digest $image.execDigest }}@{{ . }}{{ end -}}
{{- end -}}
