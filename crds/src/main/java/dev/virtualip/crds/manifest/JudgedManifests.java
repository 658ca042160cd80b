package dev.virtualip.crds.manifest;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.EqualPriorities;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.OwnedAddresses;
import dev.virtualip.crds.check.Pools;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.check.VridAllocation;
import dev.virtualip.crds.manifest.Manifests.ManifestProblem;
import dev.virtualip.crds.manifest.Manifests.ObjectRef;
import dev.virtualip.crds.manifest.Manifests.Parsed;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The manifests of some files, judged together: each spec, conflicts between them, pools, and what
 * Nodes among them tell of selectors and addresses.
 */
public final class JudgedManifests {
  /** What else is known, as of the machine that they are judged on. */
  public interface Machine {
    /** Nothing is. */
    Machine UNKNOWN = new Machine() {};

    /** Problems of the NICs of a VirtualIP. */
    default List<Problem> nicProblems(VirtualIp vip, List<NodeFacts> nodes) {
      return List.of();
    }

    /** Whether VirtualIPs may lack a VRID, because an operator allocates it. */
    default boolean allocatesVrids() {
      return false;
    }

    /** Problems of the commands of a VirtualIP. */
    default List<Problem> scriptProblems(VirtualIp vip) {
      return List.of();
    }
  }

  private record Located(Path file, VirtualIp vip) {}

  private final TreeSet<ManifestProblem> problems =
      new TreeSet<>(
          Comparator.comparing(ManifestProblem::file)
              .thenComparing(problem -> problem.object().toString())
              .thenComparing(ManifestProblem::toString));
  private final Map<String, Located> virtualIps = new LinkedHashMap<>();
  private final Map<String, CheckedSpec.Result> checked = new LinkedHashMap<>();
  private final List<NodeFacts> nodes = new ArrayList<>();
  private final List<VirtualIpPool> pools = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  private JudgedManifests() {}

  /** Judges the content of files. */
  public static JudgedManifests of(List<Parsed> files, Machine machine) {
    var judged = new JudgedManifests();
    files.forEach(judged::collect);
    judged.judge(machine);
    return judged;
  }

  /** All problems, by file and object. */
  public Collection<ManifestProblem> problems() {
    return List.copyOf(problems);
  }

  /** What is no problem, but worth knowing. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** The VirtualIPs, in the order of the files; those with problems included. */
  public List<CheckedSpec.Result> virtualIps() {
    return List.copyOf(checked.values());
  }

  private void collect(Parsed parsed) {
    problems.addAll(parsed.problems());
    problems.addAll(parsed.problemsOfPools());
    for (var vip : parsed.virtualIps()) {
      var first =
          virtualIps.putIfAbsent(vip.getMetadata().getName(), new Located(parsed.file(), vip));
      if (first != null) {
        problems.add(Manifests.alreadyIn(first.file(), parsed.file(), vip));
      }
    }
    parsed.nodes().forEach(node -> nodes.add(NodeFacts.of(node)));
    pools.addAll(parsed.pools());
  }

  private void judge(Machine machine) {
    var unreadFields = problems.stream().toList();
    var allowed = Pools.of(pools);
    var allocated =
        machine.allocatesVrids()
            ? VridAllocation.of(virtualIps.values().stream().map(Located::vip).toList(), allowed)
            : VridAllocation.NONE;
    virtualIps.forEach(
        (name, located) ->
            checked.put(
                name,
                allocated.explain(
                    allowed.judge(
                        CheckedSpec.check(allocated.apply(located.vip()))
                            .withVip(located.vip())))));
    var found = Conflicts.among(checked.values());
    var owned = new OwnedAddresses(nodes, null);
    virtualIps.forEach(
        (name, located) -> {
          var own = new ArrayList<>(found.get(name));
          if (own.stream().noneMatch(p -> within(p.path(), "spec.nodes.selector"))) {
            own.addAll(selectorProblems(located.vip()));
            own.addAll(machine.nicProblems(located.vip(), nodes));
          }
          own.addAll(machine.scriptProblems(located.vip()));
          if (checked.get(name).isGood()) {
            own.addAll(owned.problems(checked.get(name).spec()));
          }
          report(located, own, unreadFields);
          if (found.get(name).isEmpty()) {
            noteWithoutLinkLocal(located.vip(), checked.get(name).spec());
            noteEqualPriorities(located.vip(), checked.get(name).spec());
          }
        });
  }

  /**
   * Adds the problems of a spec, except those that only follow from a field that could not be read.
   */
  private void report(Located located, List<Problem> own, List<ManifestProblem> unreadFields) {
    var object = ObjectRef.of(located.vip());
    for (var problem : own) {
      boolean follows =
          unreadFields.stream()
              .filter(p -> p.file().equals(located.file()) && p.object().equals(object))
              .anyMatch(p -> within(problem.path(), p.problem().path()));
      if (!follows) {
        problems.add(new ManifestProblem(located.file(), object, problem));
      }
    }
  }

  private static boolean within(String path, String outer) {
    return path.equals(outer) || path.startsWith(outer + ".") || path.startsWith(outer + "[");
  }

  private List<Problem> selectorProblems(VirtualIp vip) {
    return vip.getSpec() == null || nodes.isEmpty()
        ? List.of()
        : NodeFacts.selectionProblems(vip, nodes);
  }

  /**
   * RFC 9568 5.2.9 wants a virtual link-local address first; keepalived and this agent do without.
   */
  private void noteWithoutLinkLocal(VirtualIp vip, CheckedSpec spec) {
    boolean linkLocal =
        spec.advertised().anyMatch(address -> address.prefix().address().isLinkLocalAddress());
    if (spec.isIpv6() && !linkLocal) {
      note(
          vip,
          "spec.addresses: RFC 9568 wants a link-local address in IPv6 adverts, as in fe80::%d/64"
              .formatted(spec.spec().vrid()));
    }
  }

  /** Without Node objects, only the nodes that the spec names are known, and that others may be. */
  private void noteEqualPriorities(VirtualIp vip, CheckedSpec spec) {
    var names = new ArrayList<String>();
    if (nodes.isEmpty() && !spec.spec().nodes().overrides().isEmpty()) {
      spec.spec().nodes().overrides().forEach(override -> names.add(override.name()));
      names.add("every other node");
    }
    nodes.stream()
        .filter(node -> node.selectedBy(vip))
        .map(NodeFacts::name)
        .sorted()
        .forEach(names::add);
    EqualPriorities.note(spec.spec(), names, Map.of())
        .ifPresent(note -> note(vip, "spec.priority: " + note));
  }

  private void note(VirtualIp vip, String text) {
    notes.add(ObjectRef.of(vip) + ": " + text);
  }
}
