package dev.virtualip.crds.schema;

import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn.Type;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;

/**
 * What VirtualIPs may use. Where there is any pool, a VirtualIP that fits into none is not
 * accepted. Who may use a pool is said by RBAC: the verb {@code use} on it.
 */
@Group("virtualip.dev")
@Version("v1alpha1")
@Kind("VirtualIPPool")
@Singular("virtualippool")
@Plural("virtualippools")
@ShortNames("vippool")
@AdditionalPrinterColumn(name = "Addresses", jsonPath = ".spec.addresses")
@AdditionalPrinterColumn(name = "VRIDs", jsonPath = ".spec.vrids")
@AdditionalPrinterColumn(name = "Used", jsonPath = ".status.used", type = Type.INTEGER)
@AdditionalPrinterColumn(name = "Free", jsonPath = ".status.free", type = Type.INTEGER)
@AdditionalPrinterColumn(
    name = "Accepted",
    jsonPath = ".status.conditions[?(@.type==\"Accepted\")].status")
@AdditionalPrinterColumn(name = "Age", jsonPath = ".metadata.creationTimestamp", type = Type.DATE)
@AdditionalPrinterColumn(name = "Interfaces", jsonPath = ".spec.interfaces", priority = 1)
@AdditionalPrinterColumn(name = "Used by", jsonPath = ".status.virtualIPs", priority = 1)
public class VirtualIpPool extends CustomResource<VirtualIpPoolSpec, VirtualIpPoolStatus> {
  private static final long serialVersionUID = 1L;
}
