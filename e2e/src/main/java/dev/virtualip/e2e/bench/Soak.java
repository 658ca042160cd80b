package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.Cluster;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code make soak}: agents and operator with a real API server live through edits, failovers and
 * outages of the API server, and their memory and threads are written down. Exits with 0 if every
 * failover had its end.
 */
@Command(
    name = "soak",
    description = "Watches memory and threads of agents and operator through edits and failovers.",
    mixinStandardHelpOptions = true)
public final class Soak implements Callable<Integer> {
  private static final Duration TURN = Duration.ofSeconds(10);
  private static final Duration DEADLINE = Duration.ofMinutes(2);
  private static final Duration API_AWAY = Duration.ofSeconds(5);
  private static final int EDITS = 10;

  /** More moves would be told late: what flaps is written to the API server every 10 s only. */
  private static final int TURNS_BETWEEN_MOVES = 6;

  private static final int MOVES_BETWEEN_OUTAGES = 3;

  private static final List<Program> PROGRAMS =
      List.of(
          new Program("agent on node-a", "node-a", Cluster.AGENT),
          new Program("agent on node-b", "node-b", Cluster.AGENT),
          new Program("operator", "control", Cluster.OPERATOR));

  private static final List<Figure> FIGURES =
      List.of(
          new Figure("resident memory, MiB", Sample::resident),
          new Figure("threads", Sample::threads));

  /** The first of so many parts of the time is compared with the last. */
  private static final int PARTS = 6;

  private static final String ROW = "%-16s %-21s %26s %26s\n";

  @Option(names = "--minutes", paramLabel = "N", description = "How long, 1 or more.")
  private int minutes = 60;

  @Option(names = "--out", paramLabel = "DIR", description = "Folder for the results.")
  private Path out = Lab.root().resolve("e2e/target/soak");

  private final List<Sample> samples = new ArrayList<>();
  private Cluster cluster;
  private ClassicPair pair;
  private int edits;
  private int failovers;
  private int outages;

  /**
   * A look at one program.
   *
   * @param minute time since the begin, in minutes
   * @param program which
   * @param resident memory in MiB
   * @param threads of the kernel; a virtual thread is none
   */
  record Sample(double minute, Program program, double resident, double threads) {}

  private record Program(String title, String node, String name) {}

  private record Figure(String title, ToDoubleFunction<Sample> value) {}

  /** Runs the soak. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Soak()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (!Lab.available() || !ApiServer.realAvailable()) {
      System.err.println("soak: run it as root, and set KUBEBUILDER_ASSETS (see README.md)");
      return 1;
    }
    Files.createDirectories(out);
    try (var lab = Lab.open();
        var nodes = ClassicPair.build(lab);
        var installed = Cluster.install(lab, nodes, ApiServer.real(lab, ClassicPair.CONTROL))) {
      pair = nodes;
      cluster = installed;
      play();
    } finally {
      write();
    }
    return 0;
  }

  private void play() {
    cluster.startOperator();
    cluster.startWorkers();
    cluster.createSecret("vip-auth", "web", Setup.PASSWORD);
    cluster.apply(Setup.classic(2, 1_000).manifest());
    Arrays.stream(Setup.routers(1 + EDITS).manifest().split("(?m)^---$"))
        .skip(1)
        .forEach(cluster::apply);
    awaitMaster("node-a");
    long from = System.nanoTime();
    long end = from + Duration.ofMinutes(minutes).toNanos();
    for (long turn = 1; System.nanoTime() < end; turn++) {
      play(turn);
      Failover.sleep(Duration.ofNanos(from + turn * TURN.toNanos() - System.nanoTime()));
      look((System.nanoTime() - from) / 60e9);
    }
  }

  /** One edit of each VirtualIP but one, and now and then a move of that one. */
  private void play(long turn) {
    for (int i = 1; i <= EDITS; i++) {
      edit("web-" + i, 60 + (int) (turn % 2));
    }
    if (turn % TURNS_BETWEEN_MOVES == 0) {
      move(turn / TURNS_BETWEEN_MOVES);
      awaitMaster("node-a");
    }
  }

  private void move(long number) {
    if (number % MOVES_BETWEEN_OUTAGES == 0) {
      cluster.api().down();
      outages++;
      move(() -> pair.nginxA().stop(), () -> pair.nginxA().start());
      Failover.sleep(API_AWAY);
      cluster.api().up();
    } else if (number % 2 == 0) {
      move(() -> cluster.switchTo("web", "node-b"), () -> cluster.switchTo("web", null));
    } else {
      move(() -> pair.nodeA().ip("link set eth1 down"), () -> pair.nodeA().ip("link set eth1 up"));
    }
  }

  private void move(Runnable away, Runnable back) {
    away.run();
    failovers++;
    cluster.await("node-b has it", DEADLINE, () -> pair.owners().equals(List.of("node-b")));
    back.run();
    cluster.await("node-a has it", DEADLINE, () -> pair.owners().equals(List.of("node-a")));
  }

  private void awaitMaster(String node) {
    cluster.await(node + " is master", DEADLINE, () -> cluster.isReady("web", node));
  }

  private void edit(String name, int seconds) {
    var spec = "{\"spec\": {\"garp\": {\"refresh\": \"%ds\"}}}".formatted(seconds);
    Footprint.patch(cluster.client(), name, spec);
    edits++;
  }

  private void look(double minute) {
    for (var program : PROGRAMS) {
      var node = cluster.node(program.node());
      if (node.runs(program.name())) {
        var proc = node.proc(program.name());
        samples.add(new Sample(minute, program, Load.mib(proc), Load.status(proc, "Threads")));
      }
    }
  }

  private void write() throws IOException {
    var text = report();
    System.out.print(text);
    Results.replace(out.resolve("soak.txt"), text);
    Results.replace(out.resolve("soak.svg"), plot());
  }

  private String plot() {
    var plot = new TimePlot("min");
    for (var figure : FIGURES) {
      var lines = new LinkedHashMap<String, List<double[]>>();
      for (var program : PROGRAMS) {
        lines.put(
            program.title(),
            of(program).stream()
                .map(s -> new double[] {s.minute(), figure.value().applyAsDouble(s)})
                .toList());
      }
      plot.panel(figure.title(), lines);
    }
    return plot.svg();
  }

  private List<Sample> of(Program program) {
    return samples.stream().filter(sample -> sample.program().equals(program)).toList();
  }

  private String report() {
    var text = new StringBuilder();
    text.append(
        "%d VirtualIPs, %d min: %d edits, %d failovers and back, the API server away %d times\n\n"
            .formatted(1 + EDITS, minutes, edits, failovers, outages));
    text.append(ROW.formatted("", "", "first sixth", "last sixth"));
    for (var program : PROGRAMS) {
      for (var figure : FIGURES) {
        text.append(
            ROW.formatted(
                program.title(),
                figure.title(),
                part(program, figure, 0),
                part(program, figure, PARTS - 1)));
      }
    }
    text.append("Median (least to most) of a look every 10 s.\n");
    return text.toString();
  }

  private String part(Program program, Figure figure, int part) {
    double length = (double) minutes / PARTS;
    var values =
        of(program).stream()
            .filter(s -> Math.min(PARTS - 1, (int) (s.minute() / length)) == part)
            .map(s -> figure.value().applyAsDouble(s))
            .toList();
    if (values.isEmpty()) {
      return "–";
    }
    var stats = Stats.of(values);
    return String.format(
        Locale.ROOT, "%.1f (%.1f to %.1f)", stats.median(), stats.min(), stats.max());
  }
}
