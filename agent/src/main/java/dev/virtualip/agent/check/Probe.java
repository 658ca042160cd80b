package dev.virtualip.agent.check;

import dev.virtualip.crds.HealthCheck;
import dev.virtualip.crds.LabelSelector;
import java.io.IOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One look at what is checked. It runs on a virtual thread, where an interrupt closes the socket it
 * waits for; that is how a timeout covers all of it, from connect to the last header.
 */
sealed interface Probe {

  /** Looks once. */
  Result run() throws IOException;

  /** What one look gave. */
  sealed interface Result {
    /** It serves. */
    record Success() implements Result {}

    /** It does not serve; the detail says what is wrong. */
    record Failure(String detail) implements Result {}

    /** Nothing is known yet. */
    record NoAnswer() implements Result {}
  }

  /**
   * The probe of a valid check.
   *
   * @param pods null where there is no API server
   */
  static Probe of(HealthCheck check, PodReadiness pods) {
    if (check.http() != null) {
      var http = check.http();
      return new Http(
          URI.create("http://" + hostPort(http.host(), http.port()) + http.path()),
          hostPort(http.host(), http.port()));
    }
    if (check.tcp() != null) {
      return new Tcp(check.tcp().host(), check.tcp().port());
    }
    return new Pod(check.pod().namespace(), check.pod().selector(), pods);
  }

  private static String hostPort(String host, int port) {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  private static Result.Failure failure(IOException e, String target) {
    var detail =
        switch (e) {
          case NoRouteToHostException _ -> "no route to " + target;
          case ConnectException _ when message(e).contains("refused") -> "connect refused";
          case ConnectException _ -> "connect failed (" + message(e) + ")";
          case SocketTimeoutException _ -> "timeout";
          default -> "no answer (" + message(e) + ")";
        };
    return new Result.Failure(detail.contains(target) ? detail : detail + " " + target);
  }

  private static String message(IOException e) {
    return Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
  }

  /** GET; 200 to 399 is a success. A connection of its own, so that a dead listener is seen. */
  record Http(URI uri, String target) implements Probe {
    @Override
    public Result run() throws IOException {
      // Not java.net.http: its pooled connections outlive their listener, a client per request
      // costs a selector thread.
      var connection = (HttpURLConnection) uri.toURL().openConnection(Proxy.NO_PROXY);
      try {
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setRequestProperty("Connection", "close");
        connection.setRequestProperty("User-Agent", "virtualip-agent");
        int status = connection.getResponseCode();
        return status >= 200 && status < 400
            ? new Result.Success()
            : new Result.Failure(
                status < 0 ? "no HTTP answer from " + target : status + ", expected 200-399");
      } catch (IOException e) {
        return failure(e, target);
      } finally {
        connection.disconnect();
      }
    }
  }

  /** Connect; the connection is closed at once. */
  record Tcp(String host, int port) implements Probe {
    @Override
    public Result run() throws IOException {
      try (var socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.ofLiteral(host), port));
        return new Result.Success();
      } catch (IOException e) {
        return failure(e, hostPort(host, port));
      }
    }
  }

  /** Ask for a Ready pod. */
  record Pod(String namespace, LabelSelector selector, PodReadiness pods) implements Probe {
    @Override
    public Result run() {
      if (pods == null) {
        return new Result.Failure("pod checks need the API server");
      }
      var ready = pods.anyReady(namespace, selector);
      if (ready.isEmpty()) {
        return new Result.NoAnswer();
      }
      return ready.get()
          ? new Result.Success()
          : new Result.Failure("no Ready pod in " + namespace + " matches " + text(selector));
    }

    private static String text(LabelSelector selector) {
      return Stream.concat(
              selector.matchLabels().entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()),
              selector.matchExpressions().stream().map(Pod::text))
          .sorted()
          .collect(Collectors.joining(","));
    }

    private static String text(LabelSelector.Requirement requirement) {
      var values = String.join(",", requirement.values());
      return switch (requirement.operator()) {
        case In -> requirement.key() + " in (" + values + ")";
        case NotIn -> requirement.key() + " notin (" + values + ")";
        case Exists -> requirement.key();
        case DoesNotExist -> "!" + requirement.key();
      };
    }
  }
}
