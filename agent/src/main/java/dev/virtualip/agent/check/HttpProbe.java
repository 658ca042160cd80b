package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.HealthCheck.Http;
import dev.virtualip.crds.schema.HealthCheck.Scheme;
import dev.virtualip.crds.values.Trust;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;
import org.apache.hc.core5.http.impl.io.HttpRequestExecutor;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;
import org.apache.hc.core5.http.protocol.HttpCoreContext;

/**
 * One GET on a connection of its own, so that a dead listener is noticed. It does not use the JDK's
 * HTTP client, which cannot connect to one address and ask for another name in Host and in TLS.
 */
final class HttpProbe implements Probe {
  private static final int BODY_MAX = 64 << 10;
  private static final int CA_MAX = 64 << 10;
  private static final Http1Config LIMITS =
      Http1Config.custom().setMaxLineLength(16 << 10).setMaxHeaderCount(200).build();

  private final Http http;
  private final String target;
  private SSLSocketFactory tls;

  /** The authorities that {@code tls} trusts, of a file. */
  private String authoritiesText;

  HttpProbe(Http http) {
    this.http = http;
    target = Probe.hostPort(http.host(), http.port());
  }

  @Override
  public Result run() {
    try (var socket = new Socket()) {
      socket.setTcpNoDelay(true);
      socket.connect(server());
      // Closing sends a reset, so that frequent checks leave no connections in TIME_WAIT.
      socket.setSoLinger(true, 0);
      return ask(http.scheme() == Scheme.HTTPS ? secured(socket) : socket);
    } catch (CaUnreadable e) {
      return new Result.Failure(e.getMessage());
    } catch (NoHttpResponseException | ConnectionClosedException | HttpException _) {
      return new Result.Failure("no HTTP answer from " + target);
    } catch (IOException e) {
      return Probe.failure(e, target);
    }
  }

  /** With TLS, too, the watched connection is a bare one: its end says all that is wanted. */
  @Override
  public Runnable watch(CheckMeans means, Runnable ended) throws IOException {
    return means.connections().hold(server(), ended);
  }

  private InetSocketAddress server() {
    return new InetSocketAddress(InetAddress.ofLiteral(http.host()), http.port());
  }

  private Result ask(Socket socket) throws IOException, HttpException {
    var connection = new DefaultBHttpClientConnection(LIMITS);
    connection.bind(socket);
    var request = new BasicClassicHttpRequest("GET", http.path());
    request.setHeader("Host", http.hostHeader() == null ? target : http.hostHeader());
    request.setHeader("User-Agent", "virtualip-agent");
    request.setHeader("Connection", "close");
    var answer = new HttpRequestExecutor().execute(request, connection, HttpCoreContext.create());
    if (!http.expects(answer.getCode())) {
      return new Result.Failure(answer.getCode() + " expected " + http.statuses());
    }
    if (http.bodyContains() != null && !body(answer).contains(latin1(http.bodyContains()))) {
      return new Result.Failure("body of %s lacks \"%s\"".formatted(target, http.bodyContains()));
    }
    return new Result.Success();
  }

  /** The body, one char per byte: its charset does not matter for a search. */
  private static String body(ClassicHttpResponse answer) throws IOException {
    if (answer.getEntity() == null) {
      return "";
    }
    return new String(
        answer.getEntity().getContent().readNBytes(BODY_MAX), StandardCharsets.ISO_8859_1);
  }

  private static String latin1(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  private Socket secured(Socket socket) throws IOException {
    var text = authoritiesText();
    if (tls == null || !Objects.equals(text, authoritiesText)) {
      tls = socketFactory(text);
      authoritiesText = text;
    }
    var secured = (SSLSocket) tls.createSocket(socket, serverName(), http.port(), true);
    if (verifies()) {
      var parameters = secured.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      secured.setSSLParameters(parameters);
    }
    secured.startHandshake();
    return secured;
  }

  private String serverName() {
    return http.hostHeader() == null
        ? http.host()
        : http.hostHeader().replaceFirst(":[0-9]+$", "").replaceAll("[\\[\\]]", "");
  }

  private boolean verifies() {
    return http.tls() != null && http.tls().verify();
  }

  /** PEM, or null for the authorities that Java trusts. A file's may be replaced at any time. */
  private String authoritiesText() throws IOException {
    if (http.tls() == null || http.tls().caFile() == null) {
      return http.tls() == null ? null : http.tls().ca();
    }
    try (var in = Files.newInputStream(Path.of(http.tls().caFile()))) {
      return new String(in.readNBytes(CA_MAX), StandardCharsets.UTF_8);
    } catch (IOException | InvalidPathException e) {
      throw new CaUnreadable("cannot read caFile " + http.tls().caFile(), e);
    }
  }

  private SSLSocketFactory socketFactory(String authorities) throws IOException {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(null, trusted(authorities), null);
      return context.getSocketFactory();
    } catch (IllegalArgumentException e) {
      throw new CaUnreadable("caFile " + http.tls().caFile() + " " + e.getMessage(), e);
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  /** Without {@code verify} the check asks whether the server answers, not which server it is. */
  private TrustManager[] trusted(String authorities) throws GeneralSecurityException, IOException {
    if (!verifies()) {
      return Trust.anybody();
    }
    // Null stands for the authorities that Java trusts.
    return authorities == null ? null : Trust.only(authorities);
  }

  /** The authorities to trust are not known. */
  private static final class CaUnreadable extends IOException {
    private static final long serialVersionUID = 1L;

    CaUnreadable(String message, Exception cause) {
      super(message, cause);
    }
  }
}
