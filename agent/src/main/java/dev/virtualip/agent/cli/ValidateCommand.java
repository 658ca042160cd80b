package dev.virtualip.agent.cli;

import dev.virtualip.agent.exec.ScriptCommand;
import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.source.Manifests;
import dev.virtualip.agent.source.Manifests.ManifestProblem;
import dev.virtualip.agent.source.Manifests.ObjectRef;
import dev.virtualip.agent.source.Manifests.Parsed;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.EqualPriorities;
import dev.virtualip.crds.check.NicField;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.OwnedAddresses;
import dev.virtualip.crds.check.Pools;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Checks manifests without running anything; exits 1 if there are problems. */
@Command(
    name = "validate",
    mixinStandardHelpOptions = true,
    description =
        "Checks VirtualIP manifests, all together, and prints every problem. Node objects among"
            + " them tell whether a selector matches, VirtualIPPools what is allowed.")
public final class ValidateCommand implements Callable<Integer> {
  private static final Path STDIN = Path.of("-");

  @Option(
      names = "--node",
      paramLabel = "NAME",
      description = "This machine is node NAME: the NICs in use there have to exist here.")
  private String nodeName;

  @Option(
      names = "--scripts",
      paramLabel = "DIR",
      description = "Commands have to be executable files in DIR, as with run --scripts.")
  private Path scripts;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE|DIR|-",
      description = "Manifests; of a directory, *.yaml, *.yml and *.json; - is standard input.")
  private List<Path> paths = List.of();

  @Spec private CommandSpec command;

  private final TreeSet<ManifestProblem> problems =
      new TreeSet<>(
          Comparator.comparing(ManifestProblem::file)
              .thenComparing(problem -> problem.object().toString())
              .thenComparing(ManifestProblem::toString));
  private final Map<String, Located> virtualIps = new LinkedHashMap<>();

  private record Located(Path file, VirtualIp vip) {}

  @Override
  public Integer call() throws IOException {
    var files = files();
    var nodes = new ArrayList<NodeFacts>();
    var poolsHere = new ArrayList<VirtualIpPool>();
    for (var file : files) {
      var parsed = read(file);
      collect(parsed);
      parsed.nodes().forEach(node -> nodes.add(NodeFacts.of(node)));
      poolsHere.addAll(parsed.pools());
    }
    var unreadFields = problems.stream().toList();
    var checked = new LinkedHashMap<String, CheckedSpec.Result>();
    var pools = Pools.of(poolsHere);
    virtualIps.forEach(
        (name, located) -> checked.put(name, pools.judge(CheckedSpec.check(located.vip()))));
    var found = Conflicts.among(checked.values());
    var owned = new OwnedAddresses(nodes, null);
    var nics = nics();
    virtualIps.forEach(
        (name, located) -> {
          var own = new ArrayList<>(found.get(name));
          if (own.stream().noneMatch(p -> within(p.path(), "spec.nodes.selector"))) {
            own.addAll(selectorProblems(located.vip(), nodes));
            own.addAll(nicProblems(located.vip(), nodes, nics));
          }
          own.addAll(scriptProblems(located.vip()));
          if (checked.get(name).isGood()) {
            own.addAll(owned.problems(checked.get(name).spec()));
          }
          report(located, own, unreadFields);
          if (found.get(name).isEmpty()) {
            noteWithoutLinkLocal(located.vip(), checked.get(name).spec());
            noteEqualPriorities(located.vip(), checked.get(name).spec(), nodes);
          }
        });
    var out = command.commandLine().getOut();
    problems.forEach(out::println);
    out.println(
        problems.isEmpty()
            ? "ok: %s in %s"
                .formatted(count(virtualIps.size(), "VirtualIP"), count(files.size(), "file"))
            : count(problems.size(), "problem"));
    out.flush();
    return problems.isEmpty() ? 0 : 1;
  }

  /**
   * This machine's NICs with their altnames, which Java does not know; null if they cannot be read
   * and it may be another machine anyway.
   */
  private Nics nics() throws IOException {
    try (var netlink = new Netlink()) {
      var network = new NodeNetwork(netlink);
      network.reload();
      return network.nics();
    } catch (IOException | UnsatisfiedLinkError e) {
      var message = "NICs are not looked at: " + e.getMessage();
      if (nodeName != null) {
        throw new IOException(message, e);
      }
      note(message);
      return null;
    }
  }

  private void note(String message) {
    var err = command.commandLine().getErr();
    err.println("note: " + message);
    err.flush();
  }

  private List<Path> files() throws IOException {
    var files = new ArrayList<Path>();
    for (var path : paths) {
      if (Files.isDirectory(path)) {
        var inside = Manifests.in(path);
        if (inside.isEmpty()) {
          throw usage("no *.yaml, *.yml or *.json in " + path);
        }
        files.addAll(inside);
      } else if (path.equals(STDIN) || Files.exists(path)) {
        files.add(path);
      } else {
        throw usage("no file or directory " + path + ": name one that exists");
      }
    }
    return files.stream().distinct().toList();
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  private static Parsed read(Path file) throws IOException {
    return file.equals(STDIN)
        ? Manifests.parse(file, new String(System.in.readAllBytes(), StandardCharsets.UTF_8))
        : Manifests.read(file);
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

  private static List<Problem> selectorProblems(VirtualIp vip, List<NodeFacts> nodes) {
    return vip.getSpec() == null || nodes.isEmpty()
        ? List.of()
        : NodeFacts.selectionProblems(vip, nodes);
  }

  private List<Problem> scriptProblems(VirtualIp vip) {
    var spec = vip.getSpec();
    var exec = spec == null ? null : spec.notifications().exec();
    if (scripts == null || exec == null || exec.command().isEmpty()) {
      return List.of();
    }
    try {
      new ScriptCommand(scripts, exec.command()).check();
      return List.of();
    } catch (IOException e) {
      return List.of(new Problem("spec.notifications.exec.command", e.getMessage()));
    }
  }

  /**
   * Problems of NICs that this machine lacks. Without --node they are only notes, as the manifests
   * may be for another machine.
   *
   * @param nics this machine's NICs, or null if they are not known
   */
  private List<Problem> nicProblems(VirtualIp vip, List<NodeFacts> nodes, Nics nics) {
    var spec = vip.getSpec();
    if (spec == null
        || nics == null
        || nodes.stream().anyMatch(n -> n.name().equals(nodeName) && !n.selectedBy(vip))) {
      return List.of();
    }
    var missing = new ArrayList<Problem>();
    for (var field : NicField.of(spec, nodeName)) {
      if (!isHere(field.selector(), nics)) {
        missing.add(
            new Problem(
                Problem.Kind.InterfaceNotFound,
                field.position(),
                "no NIC %s on this machine (it has %s): name one of these, or override it for the node"
                    .formatted(field.selector(), nics.names())));
      }
    }
    if (nodeName != null) {
      return missing;
    }
    missing.forEach(problem -> note(vip, problem.toString()));
    return List.of();
  }

  /** Whether this machine has a NIC that an {@link InterfaceSelector} selects. */
  private static boolean isHere(String selector, Nics nics) {
    try {
      return nics.link(selector) != null;
    } catch (IllegalArgumentException e) {
      return true; // the validator has a message for it
    }
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
  private void noteEqualPriorities(VirtualIp vip, CheckedSpec spec, List<NodeFacts> nodes) {
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
    note(ObjectRef.of(vip) + ": " + text);
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }
}
