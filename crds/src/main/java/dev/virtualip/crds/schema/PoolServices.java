package dev.virtualip.crds.schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import dev.virtualip.crds.values.InterfaceSelector;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** How a pool serves Services of type LoadBalancer. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record PoolServices(
    @JsonProperty("interface")
        @Pattern(InterfaceSelector.PATTERN)
        @JsonPropertyDescription(
            "NIC of the adverts and the addresses, as spec.interface of a VirtualIP. Default: the only"
                + " one of the pool's interfaces.")
        String interfaceName,
    @Min(1)
        @Max(LANES_MAX)
        @JsonPropertyDescription(
            "How many VirtualIPs share the addresses, 1 to 16; each has a master of its own. Default:"
                + " 4.")
        Integer lanes,
    @JsonPropertyDescription(
            "Whether Services get addresses that ask neither for the pool nor for an address of it."
                + " Default: true.")
        Boolean autoAssign,
    @Size(max = NAMESPACES_MAX)
        @JsonPropertyDescription(
            "Namespaces whose Services may use the pool. Default: those of namespaceSelector, or"
                + " all.")
        List<@Pattern("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$") String> namespaces,
    @ValidationRule(value = LabelSelector.IS_NOT_EMPTY, message = LabelSelector.EMPTY)
        @JsonPropertyDescription(
            "Labels of namespaces whose Services may use the pool, beside those in namespaces."
                + " Default: none, or all if namespaces is empty too.")
        LabelSelector namespaceSelector,
    @ValidationRule(value = LabelSelector.IS_NOT_EMPTY, message = LabelSelector.EMPTY)
        @JsonPropertyDescription(
            "Labels of Services that may use the pool, in these namespaces. Default: any.")
        LabelSelector serviceSelector) {
  /** Most VirtualIPs that share a pool's addresses. */
  public static final int LANES_MAX = 16;

  /** Most namespaces of one pool. */
  public static final int NAMESPACES_MAX = 256;

  /** Label of VirtualIPs that the operator makes for Services: the pool. */
  public static final String LABEL = "virtualip.dev/services";

  /** Class of the Services that are served. */
  public static final String CLASS = "virtualip.dev/vip";

  /** Annotations with the key by which Services share an address; the first one counts. */
  public static final List<String> SHARING_KEYS =
      List.of(
          "virtualip.dev/sharing-key",
          "metallb.io/allow-shared-ip",
          "metallb.universe.tf/allow-shared-ip");

  /** Fills in the defaults; the NIC's follows from the pool. */
  public PoolServices {
    lanes = Objects.requireNonNullElse(lanes, 4);
    autoAssign = Objects.requireNonNullElse(autoAssign, true);
    namespaces = VirtualIpSpec.copy(namespaces);
  }

  /** The same with this NIC. */
  public PoolServices on(String nic) {
    return new PoolServices(nic, lanes, autoAssign, namespaces, namespaceSelector, serviceSelector);
  }

  /**
   * Whether a Service may use the pool.
   *
   * @param namespace the name of its namespace
   * @param namespaceLabels the labels of its namespace
   * @param labels its own labels
   */
  public boolean admits(
      String namespace, Map<String, String> namespaceLabels, Map<String, String> labels) {
    boolean anyNamespace = namespaces.isEmpty() && namespaceSelector == null;
    return (anyNamespace
            || namespaces.contains(namespace)
            || namespaceSelector != null && namespaceSelector.matches(namespaceLabels))
        && (serviceSelector == null || serviceSelector.matches(labels));
  }
}
