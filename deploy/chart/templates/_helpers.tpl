{{/* A manifest of deploy/, in the release's namespace. Arguments: the context, the file. */}}
{{- define "virtualip.manifest" -}}
{{- $context := index . 0 -}}
{{- $name := $context.Release.Namespace -}}
{{- $context.Files.Get (index . 1) | replace "namespace: virtualip-system" (printf "namespace: %s" $name) | replace "name: virtualip-system" (printf "name: %s" $name) | replace ":virtualip-system:" (printf ":%s:" $name) -}}
{{- end -}}

{{/* The same; its objects outlive the release where the CRD does. */}}
{{- define "virtualip.kept" -}}
{{- $keep := (index . 0).Values.crd.keep -}}
{{- range splitList "\n---\n" (include "virtualip.manifest" .) }}
---
{{- $object := fromYaml . }}
{{- if $keep }}
{{- $_ := set $object.metadata "annotations" (dict "helm.sh/resource-policy" "keep") }}
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
