{{/* A manifest of deploy/, in the release's namespace. Arguments: the context, the file. */}}
{{- define "virtualip.manifest" -}}
{{- $context := index . 0 -}}
{{- $name := $context.Release.Namespace -}}
{{- $context.Files.Get (index . 1) | replace "namespace: virtualip-system" (printf "namespace: %s" $name) | replace "name: virtualip-system" (printf "name: %s" $name) -}}
{{- end -}}

{{/* An image. Arguments: the context, its values, what its tag ends with. */}}
{{- define "virtualip.image" -}}
{{- $image := index . 1 -}}
{{- $tag := $image.tag | default (index . 0).Chart.AppVersion -}}
{{- printf "%s:%s%s" $image.repository $tag (index . 2) -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}
