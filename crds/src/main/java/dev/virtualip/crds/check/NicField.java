package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.InterfaceSelector;
import java.util.ArrayList;
import java.util.List;

/**
 * A field that names a NIC without which a node cannot be master.
 *
 * @param path the field, an override by the name of its node
 * @param position the field, an override by its place in the list, as in {@link Problem#path}
 * @param selector what it says, the text of an {@link InterfaceSelector}
 */
public record NicField(String path, String position, String selector) {

  private NicField(String path, String selector) {
    this(path, path, selector);
  }

  /**
   * All such fields that are set, the NIC of the adverts first. Fields that are left out mean that
   * NIC; a tracked NIC with a weight may be missing.
   *
   * @param spec any, a wrong one too
   * @param nodeName the node, or null for one without values of its own
   */
  public static List<NicField> of(VirtualIpSpec spec, String nodeName) {
    var fields = new ArrayList<NicField>();
    var override = nodeName == null ? null : spec.nodes().overrideFor(nodeName);
    if (override != null && override.interfaceName() != null) {
      fields.add(
          new NicField(
              "spec.nodes.overrides[name=" + nodeName + "].interface",
              "spec.nodes.overrides[" + spec.nodes().overrides().indexOf(override) + "].interface",
              override.interfaceName()));
    } else {
      fields.add(new NicField("spec.interface", spec.interfaceName()));
    }
    for (int i = 0; i < spec.addresses().size(); i++) {
      var address = spec.addresses().get(i);
      if (address != null) {
        fields.add(new NicField("spec.addresses[" + i + "].interface", address.interfaceName()));
      }
    }
    for (int i = 0; i < spec.routes().size(); i++) {
      var route = spec.routes().get(i);
      if (route != null) {
        fields.add(new NicField("spec.routes[" + i + "].interface", route.interfaceName()));
      }
    }
    for (int i = 0; i < spec.trackInterfaces().size(); i++) {
      var tracked = spec.trackInterfaces().get(i);
      if (tracked != null && tracked.weight() == 0) {
        fields.add(new NicField("spec.trackInterfaces[" + i + "].name", tracked.name()));
      }
    }
    fields.removeIf(field -> field.selector() == null);
    return fields;
  }
}
