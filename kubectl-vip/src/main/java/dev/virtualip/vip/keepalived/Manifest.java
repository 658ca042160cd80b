package dev.virtualip.vip.keepalived;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A VirtualIP that the import writes.
 *
 * @param name its name
 * @param router the router that it is of
 */
public record Manifest(String name, Router router) {
  private static final ObjectMapper MAPPER =
      new ObjectMapper(new YAMLFactory()).enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

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

  /**
   * The object that the text is.
   *
   * @throws Refused if a value is not of its field's type
   */
  public VirtualIp object() throws Refused {
    try {
      var vip = new VirtualIp();
      vip.setMetadata(new ObjectMetaBuilder().withName(name).build());
      vip.setSpec(MAPPER.treeToValue(MAPPER.readTree(yaml()).get("spec"), VirtualIpSpec.class));
      return vip;
    } catch (JsonMappingException e) {
      throw new Refused(new Problem(path(e), e.getOriginalMessage()));
    } catch (JsonProcessingException e) {
      throw new Refused(new Problem("spec", e.getOriginalMessage()));
    }
  }

  private static String path(JsonMappingException e) {
    return "spec"
        + e.getPath().stream()
            .map(one -> one.getIndex() >= 0 ? "[" + one.getIndex() + "]" : "." + one.getFieldName())
            .collect(Collectors.joining());
  }

  /** A text that is no VirtualIP. */
  public static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    Refused(Problem problem) {
      super(problem.path() + " " + problem.message());
      this.problem = problem;
    }

    Problem problem() {
      return problem;
    }
  }
}
