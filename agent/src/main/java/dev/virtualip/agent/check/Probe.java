package dev.virtualip.agent.check;

import dev.virtualip.agent.exec.ScriptCommand;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.values.Durations;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;

/**
 * One run of a check. It runs on a virtual thread, where an interrupt closes the socket that the
 * thread waits for. So a timeout covers all of it, from connect to the last byte.
 */
sealed interface Probe
    permits DnsProbe,
        HttpProbe,
        ProcessProbe,
        SmtpProbe,
        UdpProbe,
        Probe.Tcp,
        Probe.PingHost,
        Probe.Exec,
        Probe.Pod {

  /**
   * Runs once.
   *
   * @throws IOException if the target does not answer as expected
   * @throws InterruptedException if it is interrupted
   */
  Result run() throws IOException, InterruptedException;

  /**
   * Watches what the last run has found good.
   *
   * @param ended called when it has ended; by any thread, and must not block
   * @return ends the watch; null if this kind of check has none that ends
   * @throws IOException if it cannot be watched now
   */
  default Runnable watch(CheckMeans means, Runnable ended) throws IOException {
    return null;
  }

  /**
   * Follows what this check asks about, whether it is good or not.
   *
   * @param changed called after each change; by any thread, and must not block
   * @return ends it
   */
  default Runnable follow(Runnable changed) {
    return () -> {};
  }

  /** What an end or a change of what is watched is. */
  default EarlyCause cause() {
    return EarlyCause.ConnectionEnded;
  }

  /** The result of one run. */
  sealed interface Result {
    /**
     * The target serves.
     *
     * @param serverWeight weight that a real server should have; null leaves it as it is
     */
    record Success(Integer serverWeight) implements Result {
      Success() {
        this(null);
      }
    }

    /** The target serves for its last moments; the detail says why. */
    record Leaving(String detail) implements Result {}

    /** The target does not serve; the detail says what is wrong. */
    record Failure(String detail) implements Result {}

    /** Nothing is known yet; this counts neither as a success nor as a failure. */
    record NoAnswer() implements Result {}
  }

  /**
   * The probe of a valid check. It is not run yet.
   *
   * @param scheduled the check, and what its command is told
   */
  static Probe of(ScheduledCheck scheduled, CheckMeans means) {
    var check = scheduled.check();
    var timeout = Durations.parse(check.timeout());
    if (check.http() != null) {
      return new HttpProbe(check.http());
    }
    if (check.tcp() != null) {
      return new Tcp(check.tcp().host(), check.tcp().port());
    }
    if (check.udp() != null) {
      return new UdpProbe(check.udp(), timeout);
    }
    if (check.dns() != null) {
      return new DnsProbe(check.dns());
    }
    if (check.smtp() != null) {
      return new SmtpProbe(check.smtp());
    }
    if (check.ping() != null) {
      return new PingHost(check.ping().host(), means.ping());
    }
    if (check.exec() != null) {
      return exec(scheduled, means.scripts(), timeout);
    }
    if (check.process() != null) {
      return new ProcessProbe(check.process().name(), Path.of("/proc"));
    }
    return new Pod(check.pod().namespace(), check.pod().selector(), means.pods());
  }

  private static Probe exec(ScheduledCheck scheduled, Path scripts, Duration timeout) {
    var exec = scheduled.check().exec();
    var command = scripts == null ? null : new ScriptCommand(scripts, exec.command());
    return new Exec(command, scheduled.environment(), exec.weightByExitCode(), timeout);
  }

  /** An address and a port as in a URL, with brackets around an IPv6 address. */
  static String hostPort(String host, int port) {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  /** A failure with the error and the target, as in {@code connect refused 127.0.0.1:80}. */
  static Result.Failure failure(IOException e, String target) {
    var detail =
        switch (e) {
          case NoRouteToHostException _ -> "no route to " + target;
          case ConnectException _ when message(e).contains("refused") -> "connect refused";
          case ConnectException _ -> "connect failed (" + message(e) + ")";
          case SocketTimeoutException _ -> "timeout";
          case SSLException _ -> "TLS failed (" + message(rootCause(e)) + ")";
          default -> "no answer (" + message(e) + ")";
        };
    return new Result.Failure(detail.contains(target) ? detail : detail + " " + target);
  }

  private static Throwable rootCause(Throwable e) {
    return e.getCause() == null ? e : rootCause(e.getCause());
  }

  private static String message(Throwable e) {
    return Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
  }

  /** Connects. The connection is reset at once, so that none stays in TIME_WAIT. */
  record Tcp(String host, int port) implements Probe {
    @Override
    public Result run() throws IOException {
      try (var socket = new Socket()) {
        socket.connect(server());
        socket.setSoLinger(true, 0);
        return new Result.Success();
      } catch (IOException e) {
        return failure(e, hostPort(host, port));
      }
    }

    @Override
    public Runnable watch(CheckMeans means, Runnable ended) throws IOException {
      return means.connections().hold(server(), ended);
    }

    private InetSocketAddress server() {
      return new InetSocketAddress(InetAddress.ofLiteral(host), port);
    }
  }

  /** Sends an ICMP echo request. */
  record PingHost(String host, Ping ping) implements Probe {
    @Override
    public Result run() throws InterruptedException {
      try {
        ping.ping(InetAddress.ofLiteral(host));
        return new Result.Success();
      } catch (IOException e) {
        return failure(e, host);
      }
    }
  }

  /**
   * Runs a command; exit code 0 is a success.
   *
   * @param weighs whether exit code 2 to 255 is one, too, and says the server's weight
   */
  record Exec(
      ScriptCommand command, Map<String, String> environment, boolean weighs, Duration limit)
      implements Probe {
    private static final int WEIGHT_0 = 2;

    @Override
    public Result run() {
      if (command == null) {
        return new Result.Failure("no command may be run: give the agent a scripts directory");
      }
      try {
        var outcome = command.run(List.of(), environment, limit);
        if (outcome.timedOut()) {
          return new Result.Failure("timeout after " + Durations.format(limit));
        }
        if (weighs && outcome.exitCode() >= WEIGHT_0) {
          return new Result.Success(outcome.exitCode() - WEIGHT_0);
        }
        return outcome.exitCode() == 0
            ? new Result.Success()
            : new Result.Failure(exit(outcome.exitCode(), outcome.output()));
      } catch (IOException e) {
        return new Result.Failure(message(e));
      }
    }

    private static String exit(int code, String output) {
      var line = output.lines().findFirst().orElse("");
      return "exit " + code + (line.isEmpty() ? "" : ": " + line);
    }
  }

  /** Asks whether there is a Ready pod. */
  record Pod(String namespace, LabelSelector selector, PodReadiness pods) implements Probe {
    @Override
    public Result run() {
      if (pods == null) {
        return new Result.Failure("pod checks need the API server");
      }
      var readiness = pods.readiness(namespace, selector);
      if (readiness.isEmpty()) {
        return new Result.NoAnswer();
      }
      var labels = selector.terms().sorted().collect(Collectors.joining(","));
      return switch (readiness.get()) {
        case Ready -> new Result.Success();
        case Terminating ->
            new Result.Leaving(
                "each Ready pod in %s that matches %s is being deleted"
                    .formatted(namespace, labels));
        case None ->
            new Result.Failure("no Ready pod in %s matches %s".formatted(namespace, labels));
      };
    }

    @Override
    public Runnable follow(Runnable changed) {
      return pods == null ? () -> {} : pods.follow(namespace, selector, changed);
    }

    @Override
    public EarlyCause cause() {
      return EarlyCause.PodChanged;
    }
  }
}
