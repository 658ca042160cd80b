package dev.virtualip.vip;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.Drill;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.kube.MergePatch;
import dev.virtualip.vip.tell.DrillPlan;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code drill NAME --url URL}: a planned move, measured by a client from where this runs. */
@Command(
    name = "drill",
    mixinStandardHelpOptions = true,
    description =
        "Moves a VirtualIP and back while it asks a URL every 10 ms, and prints what a client lost."
            + " Refuses if no backup can serve.")
final class DrillCommand implements Callable<Integer> {
  /** How the master is made to leave. */
  enum How {
    SWITCH("switch", Drill.Kind.Switch, null),
    STOP_AGENT("stop-agent", Drill.Kind.StopAgent, "delete"),
    STOP_CHECK("stop-check", Drill.Kind.StopCheck, "patch");

    private final String text;
    private final Drill.Kind kind;

    /** What it does to the agent's pod, or null. */
    private final String podVerb;

    How(String text, Drill.Kind kind, String podVerb) {
      this.text = text;
      this.kind = kind;
      this.podVerb = podVerb;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Requests before the move, all of which need an answer: a second of them. */
  private static final int BEFORE = 100;

  private static final int ATTEMPTS = 3;

  /** Requests after a move that belong to it: late losses, as by a switch that forgets. */
  private static final int AFTER = 200;

  @Parameters(paramLabel = "NAME", description = "The VirtualIP.")
  private String name;

  @Option(
      names = "--url",
      required = true,
      paramLabel = "URL",
      description = "What clients ask at the address, http or https.")
  private URI url;

  @Option(
      names = "--to",
      paramLabel = "NODE",
      description = "Node that is to take over. Default: the best backup.")
  private String to;

  @Option(
      names = "--kind",
      paramLabel = "KIND",
      defaultValue = "switch",
      description =
          "switch: the master is asked to hand over; stop-agent: its agent's pod is deleted;"
              + " stop-check: a check that is there for the drill alone fails on its node. Default:"
              + " ${DEFAULT-VALUE}.")
  private How how;

  @Option(
      names = "--stay",
      description = "Leave it on the new node, as kubectl vip switch does; only of kind switch.")
  private boolean stay;

  @Option(
      names = "--schedule",
      paramLabel = "CRON",
      description =
          "Do nothing now, and print the manifest of a CronJob that does it at these times, as in \"0 4"
              + " * * 0\"; with what it may do.")
  private String schedule;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "With --schedule: write it to a file that is not there yet.")
  private Path file;

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      defaultValue = DrillJob.IMAGE,
      description = "With --schedule: the operator's image. Default: ${DEFAULT-VALUE}.")
  private String image;

  @Option(
      names = {"-k", "--insecure"},
      description = "Take any certificate, as curl -k does.")
  private boolean insecure;

  @Mixin private Patience patience;
  @Mixin private Connection connection;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (url.getHost() == null || !String.valueOf(url.getScheme()).matches("https?")) {
      throw new ParameterException(
          spec.commandLine(), "--url %s: give one as http://203.0.113.10/".formatted(url));
    }
    if (stay && how != How.SWITCH) {
      throw new ParameterException(spec.commandLine(), "--stay is for --kind switch alone");
    }
    if (schedule != null) {
      return job();
    }
    if (file != null) {
      throw new ParameterException(spec.commandLine(), "--file goes with --schedule");
    }
    try (var client = connection.open()) {
      var vip = Connection.one(client, name);
      if (FailingCheck.isIn(vip)) {
        throw new IllegalStateException(
            "no drill: one before it has left its check %s: kubectl vip release %s"
                .formatted(FailingCheck.NAME, name));
      }
      write(client, measure(client, vip, plan(vip)));
      return 0;
    } catch (InterruptedException e) {
      return 1;
    } catch (KubernetesClientException e) {
      if (Thread.interrupted()) {
        return 1;
      }
      throw e;
    }
  }

  private DrillPlan plan(VirtualIp vip) {
    var checked = CheckedSpec.check(vip);
    if (!checked.isGood()) {
      throw new IllegalStateException("no drill: " + checked.problems().getFirst());
    }
    return DrillPlan.of(vip, how.kind, to, checked.spec().preemptDelay());
  }

  private int job() throws IOException {
    if (!schedule.matches("@\\w+|\\S+( +\\S+){4}")) {
      throw new ParameterException(
          spec.commandLine(),
          "--schedule %s: give five fields, as in \"0 4 * * 0\" for Sundays at 4"
              .formatted(schedule));
    }
    if (stay) {
      throw new ParameterException(
          spec.commandLine(), "--stay is not for --schedule: the next drill would be refused");
    }
    var arguments = new ArrayList<>(List.of("drill", name, "--url", url.toString()));
    if (how != How.SWITCH) {
      arguments.addAll(List.of("--kind", how.toString()));
    }
    if (to != null) {
      arguments.addAll(List.of("--to", to));
    }
    if (insecure) {
      arguments.add("--insecure");
    }
    arguments.addAll(List.of("--timeout", patience.timeout().toSeconds() + "s"));
    arguments.addAll(List.of("--namespace", connection.namespace()));
    var text =
        new DrillJob(name, schedule, connection.namespace(), image, arguments, how.podVerb).yaml();
    if (file == null) {
      spec.commandLine().getOut().print(text);
      spec.commandLine().getOut().flush();
    } else if (Files.exists(file)) {
      throw new IllegalStateException(
          file + " is there already: remove it, or name another --file");
    } else {
      Files.writeString(file, text, StandardOpenOption.CREATE_NEW);
      connection.screen().print("wrote " + file);
    }
    return 0;
  }

  private Drill measure(KubernetesClient client, VirtualIp vip, DrillPlan plan)
      throws IOException, InterruptedException {
    var probe = Probe.start(url, insecure);
    Moves moves;
    try {
      moves = move(departure(client, vip, plan), client, plan, probe);
    } finally {
      probe.end();
    }
    return told(plan, moves, probe.samples());
  }

  private Departure departure(KubernetesClient client, VirtualIp vip, DrillPlan plan) {
    var switchOver = new SwitchOver(client, patience.timeout());
    return switch (how) {
      case SWITCH -> new Departure.BySwitch(switchOver, vip, plan.to(), stay);
      case STOP_AGENT -> new Departure.ByStop(client, switchOver, vip, plan, agent(client, plan));
      case STOP_CHECK ->
          new Departure.ByCheck(
              new FailingCheck(client, connection.namespace()),
              switchOver,
              vip,
              plan,
              agent(client, plan));
    };
  }

  private Pod agent(KubernetesClient client, DrillPlan plan) {
    return connection.agents(client).stream()
        .filter(pod -> plan.from().equals(pod.getSpec().getNodeName()))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "no drill: the agent of %s has no pod in %s; see --namespace"
                        .formatted(plan.from(), connection.namespace())));
  }

  /**
   * When the moves of a drill were, by the probe's marks.
   *
   * @param asked wall clock time of {@code begin}
   * @param back whether there was a second move, from {@code moved} to {@code end}
   */
  private record Moves(Instant asked, long begin, long moved, boolean back, long end) {}

  private Moves move(Departure departure, KubernetesClient client, DrillPlan plan, Probe probe)
      throws InterruptedException {
    try (var interruption = Interruption.ofThisThread()) {
      try {
        departure.prepare();
        awaitGood(probe);
        if (!plan(Connection.one(client, name)).equals(plan)) {
          throw new IllegalStateException(
              "no drill: it has moved, or priorities have changed, meanwhile: try again");
        }
        connection
            .screen()
            .print(
                "%s is master, and %s answered %d requests"
                    .formatted(plan.from(), withoutSecrets(url), BEFORE));
        var asked = connection.now();
        long begin = probe.mark();
        departure.leave();
        probe.awaitEnded(AFTER);
        long moved = probe.mark();
        departure.end();
        boolean back = returned(client, plan);
        if (back) {
          probe.awaitEnded(AFTER);
        }
        return new Moves(asked, begin, moved, back, probe.mark());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw e;
      } finally {
        undo(departure, interruption);
      }
    }
  }

  /** An interruption is no reason to leave anything behind. */
  private void undo(Departure departure, Interruption interruption) {
    boolean interrupted = interruption.hear();
    departure.undo();
    if (interrupted) {
      connection.screen().print("interrupted: the drill is undone");
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Waits for so many good answers in a row; a single slow one, as of a busy machine, is no end.
   */
  private void awaitGood(Probe probe) throws InterruptedException {
    var error = "";
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int before = probe.samples().size();
      probe.awaitEnded(BEFORE);
      var samples = probe.samples();
      var bad = samples.subList(before, samples.size()).stream().filter(s -> !s.good()).findFirst();
      if (bad.isEmpty()) {
        return;
      }
      error = bad.get().error();
    }
    throw new IllegalStateException(
        "no drill: %s does not answer well before it: %s".formatted(withoutSecrets(url), error));
  }

  /** Waits for the way back, if there is one; returns whether the address has come back. */
  private boolean returned(KubernetesClient client, DrillPlan plan) {
    var switchOver = new SwitchOver(client, patience.timeout());
    if (!stay && plan.returns()) {
      try {
        switchOver.await(
            name,
            v -> Reports.masters(v).equals(List.of(plan.from())),
            plan.from() + " has not taken over again");
        return true;
      } catch (IllegalStateException e) {
        // What the first move has cost is known, and worth more than an error.
        connection.screen().print(e.getMessage());
        return false;
      }
    }
    if (how == How.STOP_AGENT) {
      switchOver.await(
          name,
          v -> {
            var report = Reports.of(v).get(plan.from());
            return report != null && report.state() == State.Backup;
          },
          "the agent of %s is not back".formatted(plan.from()));
    }
    return false;
  }

  private Drill told(DrillPlan plan, Moves moves, List<Probe.Sample> samples) {
    var screen = connection.screen();
    long lost = Probe.longestGap(samples, moves.begin(), moves.moved()).toMillis();
    screen.print("%s took over: a client was without service for %d ms".formatted(plan.to(), lost));
    Long backLost = null;
    if (moves.back()) {
      backLost = Probe.longestGap(samples, moves.moved(), moves.end()).toMillis();
      screen.print(
          "%s took over again: a client was without service for %d ms"
              .formatted(plan.from(), backLost));
    } else {
      screen.print("%s is master now".formatted(plan.to()));
    }
    long failed = samples.stream().filter(sample -> !sample.good()).count();
    screen.print(
        "%d of %d requests had no good answer within a second".formatted(failed, samples.size()));
    return new Drill(
        moves.asked().truncatedTo(ChronoUnit.MILLIS).toString(),
        how.kind,
        plan.from(),
        plan.to(),
        withoutSecrets(url),
        (long) samples.size(),
        failed,
        lost,
        backLost);
  }

  private void write(KubernetesClient client, Drill drill) {
    var patch = JsonNodeFactory.instance.objectNode();
    patch.putObject("status").set("lastDrill", MergePatch.whole(drill));
    try {
      client
          .resources(VirtualIp.class)
          .withName(name)
          .subresource("status")
          .patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
    } catch (KubernetesClientException e) {
      connection.screen().print("not written to status.lastDrill: " + Connection.message(e));
    }
  }

  /** The URL without user, password, query and fragment. */
  static String withoutSecrets(URI url) {
    try {
      var path = Objects.requireNonNullElse(url.getPath(), "");
      return new URI(url.getScheme(), null, url.getHost(), url.getPort(), path, null, null)
          .toString();
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
