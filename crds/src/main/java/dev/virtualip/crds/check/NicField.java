package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.InterfaceSelector;
import java.util.ArrayList;
import java.util.List;

/**
 * A field that names a NIC without which a node cannot be master.
 *
 * @param path path of the field, with an override by the name of its node
 * @param position path of the field, with an override by its place in the list, as in {@link
 *     Problem#path}
 * @param selector value of the field, the text of an {@link InterfaceSelector}
 */
public record NicField(String path, String position, String selector) {

  private NicField(String path, String selector) {
    this(path, path, selector);
  }

  /**
   * All such fields that are set, the NIC of the adverts first. Absent fields stand for that NIC. A
   * tracked NIC, or one of a router, with a weight is not among them, as it may be missing.
   *
   * @param spec any spec, valid or not
   * @param nodeName the node, or null for a node without overrides
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
    var routers = spec.trackedRouters();
    for (int i = 0; i < routers.size(); i++) {
      var router = routers.get(i);
      if (router != null && router.weight() == 0) {
        var path = "spec.detection.bfd.peers[" + i + "].interface";
        fields.add(new NicField(path, router.interfaceName()));
      }
    }
    fields.removeIf(field -> field.selector() == null);
    return fields;
  }
}
