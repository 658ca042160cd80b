package dev.virtualip.vip.keepalived;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.manifest.Manifests.Parsed;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A VirtualIP that the import writes.
 *
 * @param name its name
 * @param router the router that it is of
 */
public record Manifest(String name, Router router) {
  /** The fields of a spec in the order of the API. */
  private static final List<String> ORDER =
      Arrays.stream(VirtualIpSpec.class.getRecordComponents())
          .map(
              component -> {
                var named = component.getAccessor().getAnnotation(JsonProperty.class);
                return named == null || named.value().isEmpty()
                    ? component.getName()
                    : named.value();
              })
          .toList();

  /** Its text, with comments that say which line each value came from. */
  public String yaml() {
    var spec = new Fields();
    for (var field : ORDER) {
      var value = router.spec().get(field);
      if (value != null) {
        spec.values().put(field, value);
      }
    }
    var object = new Fields();
    object.put("apiVersion", "virtualip.dev/v1alpha1", null).put("kind", "VirtualIP", null);
    object.in("metadata", null).put("name", name, router.instance());
    object.put("spec", spec, null);
    return "# By kubectl vip import. The comments name the lines of keepalived's configuration.\n"
        + Yaml.write(object);
  }

  /** What the agent reads in the text. */
  Parsed parsed() {
    return Manifests.parse(Path.of(name + ".yaml"), yaml());
  }

  /** The object that the text is. */
  public VirtualIp object() {
    return parsed().virtualIps().getFirst();
  }
}
