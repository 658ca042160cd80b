package dev.virtualip.crds.check;

import dev.virtualip.crds.schema.NodeOverride;
import dev.virtualip.crds.schema.Nodes;
import java.util.HashSet;
import java.util.Set;

/** Rules about {@code spec.nodes}. */
final class NodeRules {
  private NodeRules() {}

  static void check(ParsedSpec parsed, Findings findings) {
    var nodes = parsed.spec().nodes();
    var names = new HashSet<String>();
    if (nodes.overrides().size() > Nodes.OVERRIDES_MAX) {
      findings.add(
          "spec.nodes.overrides", "has more than 255 nodes: give most of them the same values");
    }
    for (int i = 0; i < nodes.overrides().size(); i++) {
      checkOverride("spec.nodes.overrides[" + i + "]", nodes.overrides().get(i), names, findings);
    }
    findings.selector("spec.nodes.selector", nodes.selector());
  }

  private static void checkOverride(
      String path, NodeOverride override, Set<String> names, Findings findings) {
    if (override == null || Findings.isBlank(override.name())) {
      findings.add(path + ".name", "is missing: name the node that is different");
      return;
    }
    if (!names.add(override.name())) {
      findings.add(path + ".name", override.name() + " has an entry already: merge the two");
    }
    findings.nic(path + ".interface", override.interfaceName());
    findings.range(path + ".priority", override.priority(), 1, 255, "priority");
  }
}
