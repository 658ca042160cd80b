package dev.virtualip.agent.cli;

import dev.virtualip.agent.exec.ScriptCommand;
import dev.virtualip.agent.linux.Netlink;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.crds.check.NicField;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.manifest.JudgedManifests;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.manifest.Manifests.Parsed;
import dev.virtualip.crds.schema.VirtualIp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
  @Option(
      names = "--node",
      paramLabel = "NAME",
      description =
          "This machine is node NAME: the NICs in use there have to exist here. Without it NICs"
              + " are not looked at.")
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

  @Override
  public Integer call() throws IOException {
    var files = files();
    var parsed = new ArrayList<Parsed>();
    for (var file : files) {
      parsed.add(Manifests.readOrStandardInput(file));
    }
    var judged = JudgedManifests.of(parsed, machine());
    judged.notes().forEach(this::note);
    var problems = judged.problems();
    var out = command.commandLine().getOut();
    problems.forEach(out::println);
    out.println(
        problems.isEmpty()
            ? "ok: %s in %s"
                .formatted(
                    count(judged.virtualIps().size(), "VirtualIP"), count(files.size(), "file"))
            : count(problems.size(), "problem"));
    out.flush();
    return problems.isEmpty() ? 0 : 1;
  }

  /** What the manifests are judged by beside themselves: the NICs count where --node is given. */
  private JudgedManifests.Machine machine() throws IOException {
    var nics = nodeName == null ? null : nics();
    return new JudgedManifests.Machine() {
      @Override
      public List<Problem> nicProblems(VirtualIp vip, List<NodeFacts> nodes) {
        return nics == null ? List.of() : ValidateCommand.this.nicProblems(vip, nodes, nics);
      }

      @Override
      public List<Problem> scriptProblems(VirtualIp vip) {
        return ValidateCommand.this.scriptProblems(vip);
      }
    };
  }

  /** This machine's NICs with their altnames, which Java does not know. */
  private static Nics nics() throws IOException {
    try (var netlink = new Netlink()) {
      var network = new NodeNetwork(netlink);
      network.reload();
      return network.nics();
    } catch (IOException | UnsatisfiedLinkError e) {
      throw new IOException("NICs cannot be looked at: " + e.getMessage(), e);
    }
  }

  private void note(String message) {
    var err = command.commandLine().getErr();
    err.println("note: " + message);
    err.flush();
  }

  private List<Path> files() throws IOException {
    try {
      return Manifests.named(paths).stream().distinct().toList();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
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

  /** Problems of NICs that this machine, the node, lacks. */
  private List<Problem> nicProblems(VirtualIp vip, List<NodeFacts> nodes, Nics nics) {
    var spec = vip.getSpec();
    if (spec == null
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
    return missing;
  }

  /** Whether this machine has a NIC that an {@link InterfaceSelector} selects. */
  private static boolean isHere(String selector, Nics nics) {
    try {
      return nics.link(selector) != null;
    } catch (IllegalArgumentException e) {
      return true; // the validator has a message for it
    }
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }
}
