package dev.virtualip.agent.notify;

import dev.virtualip.agent.exec.ScriptCommand;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications.Exec;
import dev.virtualip.crds.values.Durations;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs a command, only once even if it fails: a half-finished command must not run again. */
record ExecChannel(Exec exec, Path scripts) implements Channel {
  private static final Logger LOG = LoggerFactory.getLogger(ExecChannel.class);
  private static final Duration KILLED_BY_THEN = Duration.ofSeconds(5);
  private static final int LINES_MAX = 20;

  @Override
  public void deliver(Notification notification) throws IOException {
    if (scripts == null) {
      throw new Undeliverable(problems().getFirst().message());
    }
    ScriptCommand.Outcome outcome;
    try {
      outcome = command().run(notification.arguments(), timeout());
    } catch (IOException e) {
      throw new Undeliverable(e.getMessage());
    }
    outcome
        .output()
        .lines()
        .limit(LINES_MAX)
        .forEach(line -> LOG.info("script_output name={} line=\"{}\"", notification.name(), line));
    if (outcome.timedOut()) {
      throw new Undeliverable("not done after " + Durations.format(timeout()) + ", ended");
    }
    if (outcome.exitCode() != 0) {
      throw new Undeliverable("exit code " + outcome.exitCode());
    }
  }

  @Override
  public Duration limit() {
    return timeout().plus(KILLED_BY_THEN);
  }

  @Override
  public List<Problem> problems() {
    if (scripts == null) {
      return problem(
          "this agent runs no commands: start it with --scripts DIR, in Kubernetes see"
              + " docs/notifications.md");
    }
    try {
      command().check();
      return List.of();
    } catch (IOException e) {
      return problem(e.getMessage());
    }
  }

  private static List<Problem> problem(String message) {
    return List.of(new Problem("spec.notifications.exec", message));
  }

  private ScriptCommand command() {
    return new ScriptCommand(scripts, exec.command());
  }

  private Duration timeout() {
    return Durations.parse(exec.timeout());
  }
}
