package dev.virtualip.vip;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.manifest.JudgedManifests;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.manifest.Manifests.Parsed;
import dev.virtualip.crds.schema.NodeOverride;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.vip.tell.Budget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Checks manifests, advises, and says how long a failover takes. Exit codes: 0 they are valid, 1
 * they have problems.
 */
@Command(
    name = "lint",
    mixinStandardHelpOptions = true,
    description =
        "Checks VirtualIP manifests, all together, as virtualip-agent validate does, and tells what"
            + " could be better, and how long a failover takes. Node objects among them tell whether a selector matches,"
            + " VirtualIPPools what is allowed.")
final class LintCommand implements Callable<Integer> {
  private static final JudgedManifests.Machine CLUSTER =
      new JudgedManifests.Machine() {
        @Override
        public boolean allocatesVrids() {
          return true;
        }
      };

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE|DIR|-",
      description = "Manifests; of a directory, *.yaml, *.yml and *.json; - is standard input.")
  private List<Path> paths = List.of();

  @Spec private CommandSpec command;

  @Override
  public Integer call() throws IOException {
    var files = new ArrayList<Parsed>();
    for (var file : named()) {
      files.add(Manifests.readOrStandardInput(file));
    }
    var judged = JudgedManifests.of(files, CLUSTER);
    var out = command.commandLine().getOut();
    judged.problems().forEach(out::println);
    judged.notes().forEach(note -> out.println("note: " + note));
    for (var vip : judged.virtualIps()) {
      if (vip.isGood()) {
        Advice.on(vip.spec())
            .forEach(line -> out.println("advice: VirtualIP/" + vip.name() + ": " + line));
        budget(vip.name(), vip.spec()).forEach(out::println);
      }
    }
    int count = judged.problems().size();
    out.println(
        count == 0
            ? "ok: " + count(judged.virtualIps().size(), "VirtualIP")
            : count(count, "problem"));
    out.flush();
    return count == 0 ? 0 : 1;
  }

  /**
   * How long a failover takes from the node of the highest priority. Which nodes there are the spec
   * does not tell, so every other one counts as one. Where nodes spread it may have any priority of
   * those: a successor has the lowest, and a named node is master for sure only above the highest.
   */
  private static List<String> budget(String name, CheckedSpec checked) {
    var spec = checked.spec();
    var overrides =
        spec.nodes().overrides().stream()
            .filter(override -> override.priority() != null)
            .sorted(Comparator.comparing(NodeOverride::priority).reversed())
            .toList();
    boolean spreads = spec.nodes().spreads();
    int atMost = spreads ? VirtualIpSpec.SPREAD_MAX : spec.priority();
    int atLeast = spreads ? VirtualIpSpec.SPREAD_MIN : spec.priority();
    boolean named = !overrides.isEmpty() && overrides.getFirst().priority() > atMost;
    var master = named ? overrides.getFirst().name() : "";
    int successor =
        Stream.concat(overrides.stream().map(NodeOverride::priority), Stream.of(atLeast))
            .sorted(Comparator.reverseOrder())
            .skip(overrides.isEmpty() ? 0 : 1)
            .findFirst()
            .orElseThrow();
    var lines = new ArrayList<String>();
    lines.add(
        "budget: VirtualIP/%s: from %s to a node with priority %d, at most:"
            .formatted(name, named ? master : "one node", successor));
    lines.addAll(Budget.table(Budget.of(checked, master, successor, null)));
    return lines;
  }

  private List<Path> named() throws IOException {
    try {
      return Manifests.named(paths);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command.commandLine(), e.getMessage(), e);
    }
  }

  private static String count(int n, String what) {
    return n + " " + what + (n == 1 ? "" : "s");
  }
}
