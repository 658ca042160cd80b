package dev.virtualip.crds.schema;

import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn.Type;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;
import java.util.Objects;

/**
 * A set of IP addresses and routes that live together on exactly one of the selected nodes, the
 * VRRP master of the virtual router {@code spec.vrid}. Cluster-scoped, without a finalizer: agents
 * release on deletion and address leases expire, so a deletion never waits for a dead node.
 */
@Group("virtualip.dev")
@Version("v1alpha1")
@Kind("VirtualIP")
@Singular("virtualip")
@Plural("virtualips")
@ShortNames("vip")
@AdditionalPrinterColumn(name = "Address", jsonPath = ".spec.addresses[0].address")
@AdditionalPrinterColumn(name = "VRID", jsonPath = ".spec.vrid", type = Type.INTEGER)
@AdditionalPrinterColumn(name = "Master", jsonPath = ".status.master")
@AdditionalPrinterColumn(
    name = "Ready",
    jsonPath = ".status.conditions[?(@.type==\"Ready\")].status")
@AdditionalPrinterColumn(name = "Age", jsonPath = ".metadata.creationTimestamp", type = Type.DATE)
@AdditionalPrinterColumn(name = "Interface", jsonPath = ".spec.interface", priority = 1)
@AdditionalPrinterColumn(
    name = "Backups",
    jsonPath = ".status.backups",
    type = Type.INTEGER,
    priority = 1)
@AdditionalPrinterColumn(
    name = "Transitions",
    jsonPath = ".status.transitions",
    type = Type.INTEGER,
    priority = 1)
@AdditionalPrinterColumn(
    name = "Reason",
    jsonPath = ".status.conditions[?(@.type==\"Ready\")].reason",
    priority = 1)
public class VirtualIp extends CustomResource<VirtualIpSpec, VirtualIpStatus> {
  private static final long serialVersionUID = 1L;

  /** Annotation with the name of the node that is asked to be master. */
  public static final String SWITCH_TO = "virtualip.dev/switch-to";

  /** Annotation with the VRID that the operator has written into the spec. */
  public static final String VRID_ALLOCATED = "virtualip.dev/vrid-allocated";

  /** Annotation with the VRID that the operator has changed for another, as a router has it. */
  public static final String VRID_LEFT = "virtualip.dev/vrid-left";

  /**
   * Annotation of a VirtualIP that only shows what agents run from files: the node whose file it
   * is. No agent takes it from the API server.
   */
  public static final String MIRRORED_FROM = "virtualip.dev/mirrored-from";

  /** Label of the same, so that one edit does not make it an ordinary one. */
  public static final String MIRRORED = "virtualip.dev/mirrored";

  /**
   * ConfigMap in virtualip's namespace by which the operator asks nodes to hand over. Its keys are
   * names of VirtualIPs, its values JSON of their status with {@code handOvers} and {@code
   * switchOver} alone. Each agent may write the status itself, so there they are only shown.
   */
  public static final String HAND_OVERS = "virtualip-hand-overs";

  /** Whether agents run it from files, and the object only shows it. */
  public boolean mirrored() {
    return mirrored(getMetadata());
  }

  /** The same of an object that is known by its metadata. */
  public static boolean mirrored(ObjectMeta metadata) {
    var annotations = metadata.getAnnotations();
    var labels = metadata.getLabels();
    return annotations != null && annotations.containsKey(MIRRORED_FROM)
        || labels != null && labels.containsKey(MIRRORED);
  }

  /** The same version with another status. */
  public VirtualIp withStatus(VirtualIpStatus other) {
    var vip = new VirtualIp();
    vip.setMetadata(getMetadata());
    vip.setSpec(getSpec());
    vip.setStatus(other);
    return vip;
  }

  /** Whether both are versions of one object, and none was made anew under the other's name. */
  public boolean isVersionOf(HasMetadata other) {
    return isVersionOf(other.getMetadata().getUid());
  }

  /** Whether it is a version of the object with this UID. */
  public boolean isVersionOf(String uid) {
    return Objects.equals(getMetadata().getUid(), uid);
  }
}
