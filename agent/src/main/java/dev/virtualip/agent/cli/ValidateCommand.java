package dev.virtualip.agent.cli;

import dev.virtualip.agent.exec.ScriptCommand;
import dev.virtualip.agent.source.Manifests;
import dev.virtualip.agent.source.Manifests.ManifestProblem;
import dev.virtualip.agent.source.Manifests.ObjectRef;
import dev.virtualip.agent.source.Manifests.Parsed;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Conflicts;
import dev.virtualip.crds.check.NicField;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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
            + " them tell whether a selector matches.")
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
    for (var file : files) {
      var parsed = read(file);
      collect(parsed);
      parsed.nodes().forEach(node -> nodes.add(NodeFacts.of(node)));
    }
    var unreadFields = problems.stream().toList();
    var checked = new LinkedHashMap<String, CheckedSpec.Result>();
    virtualIps.forEach((name, located) -> checked.put(name, CheckedSpec.check(located.vip())));
    var found = Conflicts.among(checked.values());
    var nics = NetworkInterface.networkInterfaces().map(NetworkInterface::getName).toList();
    virtualIps.forEach(
        (name, located) -> {
          var own = new ArrayList<>(found.get(name));
          if (own.stream().noneMatch(p -> within(p.path(), "spec.nodes.selector"))) {
            own.addAll(selectorProblems(located.vip(), nodes));
            own.addAll(nicProblems(located.vip(), nodes, nics));
          }
          own.addAll(scriptProblems(located.vip()));
          report(located, own, unreadFields);
          if (found.get(name).isEmpty()) {
            noteWithoutLinkLocal(located.vip(), checked.get(name).spec());
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
    for (var vip : parsed.virtualIps()) {
      var first =
          virtualIps.putIfAbsent(vip.getMetadata().getName(), new Located(parsed.file(), vip));
      if (first != null) {
        problems.add(Manifests.alreadyIn(first.file(), parsed.file(), vip));
      }
    }
  }

  /** Adds problems of a spec, save those that only follow from a field that could not be read. */
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

  /** NICs that this machine does not have; without --node just noted, it may be another machine. */
  private List<Problem> nicProblems(VirtualIp vip, List<NodeFacts> nodes, List<String> nics) {
    var spec = vip.getSpec();
    if (spec == null
        || nodes.stream().anyMatch(n -> n.name().equals(nodeName) && !n.selectedBy(vip))) {
      return List.of();
    }
    var missing = new ArrayList<Problem>();
    for (var field : NicField.of(spec, nodeName)) {
      if (!isHere(field.selector())) {
        missing.add(
            new Problem(
                Problem.Kind.InterfaceNotFound, field.position(), noNic(field.selector(), nics)));
      }
    }
    if (nodeName != null) {
      return missing;
    }
    var err = command.commandLine().getErr();
    missing.forEach(p -> err.println("note: " + ObjectRef.of(vip) + ": " + p));
    err.flush();
    return List.of();
  }

  /** Whether this machine has what an {@link InterfaceSelector} means. */
  private static boolean isHere(String selector) {
    try {
      var meant = new InterfaceSelector(selector);
      return NetworkInterface.networkInterfaces()
          .anyMatch(nic -> meant.matches(nic.getName(), addresses(nic)));
    } catch (SocketException e) {
      throw new UncheckedIOException(e);
    } catch (IllegalArgumentException e) {
      return true; // the validator has a message for it
    }
  }

  private static List<IpPrefix> addresses(NetworkInterface nic) {
    return nic.inetAddresses()
        .map(address -> new IpPrefix(address, address.getAddress().length * 8))
        .toList();
  }

  /** RFC 9568 wants a virtual link-local address first; keepalived and ours do without. */
  private void noteWithoutLinkLocal(VirtualIp vip, CheckedSpec spec) {
    boolean linkLocal =
        spec.advertised().anyMatch(address -> address.prefix().address().isLinkLocalAddress());
    if (spec.isIpv6() && !linkLocal) {
      var err = command.commandLine().getErr();
      err.println(
          "note: %s: spec.addresses: RFC 9568 wants a link-local address in IPv6 adverts, as in fe80::%d/64"
              .formatted(ObjectRef.of(vip), spec.spec().vrid()));
      err.flush();
    }
  }

  private static String noNic(String nic, Collection<String> nics) {
    var there =
        nics.stream().filter(n -> !n.equals("lo")).sorted().collect(Collectors.joining(", "));
    return "no NIC %s on this machine (it has %s): name one of these, or override it for the node"
        .formatted(nic, there.isEmpty() ? "none but lo" : there);
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }
}
