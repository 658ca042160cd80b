package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.ServerKeys;
import dev.virtualip.agent.notify.Channel.Undeliverable;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications.Email;
import dev.virtualip.crds.schema.Notifications.Smtp;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.subethamail.smtp.MessageContext;
import org.subethamail.smtp.MessageHandler;
import org.subethamail.smtp.RejectException;
import org.subethamail.smtp.auth.EasyAuthenticationHandlerFactory;
import org.subethamail.smtp.auth.LoginFailedException;
import org.subethamail.smtp.server.SMTPServer;

/** Against a server in this JVM. */
class EmailChannelTest {
  private static ServerKeys keys;

  private final List<String> heard = new CopyOnWriteArrayList<>();
  private SMTPServer server;

  @BeforeAll
  static void makeKeys(@TempDir Path folder) throws Exception {
    keys = ServerKeys.make(folder, "ip:127.0.0.1");
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.stop();
    }
  }

  /** What the server hears, and what it refuses. */
  private final class Mailbox implements MessageHandler {
    private final MessageContext context;

    Mailbox(MessageContext context) {
      this.context = context;
    }

    @Override
    public void from(String from) throws RejectException {
      heard.add("HELO " + context.getHelo().orElseThrow());
      heard.add("FROM " + from);
      refuse(from);
    }

    @Override
    public void recipient(String to) throws RejectException {
      heard.add("TO " + to);
      refuse(to);
    }

    private static void refuse(String address) throws RejectException {
      if (address.startsWith("nobody")) {
        throw new RejectException(550, "no such user");
      } else if (address.startsWith("later")) {
        throw new RejectException(450, "come again");
      }
    }

    @Override
    public String data(InputStream data) throws IOException {
      heard.addAll(new String(data.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
      return "ok";
    }

    @Override
    public void done() {}
  }

  private SMTPServer.Builder builder() {
    return SMTPServer.port(0)
        .bindAddress(InetAddress.getLoopbackAddress())
        .insertReceivedHeaders(false)
        .messageHandlerFactory(Mailbox::new);
  }

  private void start(SMTPServer next) {
    stop();
    server = next;
    server.start();
  }

  /** A mail to the server that runs. */
  private Email email(String from, List<String> to, String smtpFields) {
    var smtp = "---\nhost: 127.0.0.1\nport: %d\n".formatted(server.getPortAllocated());
    return new Email(from, to, null, Serialization.unmarshal(smtp + smtpFields, Smtp.class), null);
  }

  private Email email(String smtpFields) {
    return email("vip@example.com", List.of("ops@example.com"), smtpFields);
  }

  private static void send(Email email) throws IOException, InterruptedException {
    new EmailChannel(email, Map.of(), "node-b").deliver(Notes.MASTER);
  }

  private static String failure(Class<? extends IOException> type, EmailChannel channel) {
    var e = assertThrows(IOException.class, () -> channel.deliver(Notes.MASTER));
    assertEquals(type, e.getClass(), e::toString);
    return e.getMessage();
  }

  private static String failure(Class<? extends IOException> type, Email email) {
    return failure(type, new EmailChannel(email, Map.of(), "node-b"));
  }

  @Test
  void aMailLooksLikeKeepalivedsWithMoreInIt() throws Exception {
    start(builder().build());
    var plain = email("");
    var to = List.of("ops@example.com", "second@example.com");
    send(new Email("vip@example.com", to, "LVS_DEVEL", plain.smtp(), null));
    assertEquals(
        List.of(
            "HELO node-b", "FROM vip@example.com", "TO ops@example.com", "TO second@example.com"),
        heard.subList(0, 4));
    var headers = heard.subList(4, heard.indexOf(""));
    assertTrue(
        headers.containsAll(
            List.of(
                "Date: Fri, 2 Jan 2026 12:00:00 +0000 (UTC)",
                "From: vip@example.com",
                "To: ops@example.com, second@example.com",
                "Subject: [LVS_DEVEL] VRRP Instance web - Entering MASTER state",
                "Message-ID: <1767355200123.web.Master@node-b>",
                "Auto-Submitted: auto-generated")),
        headers::toString);
    assertTrue(heard.contains("=> VRRP Instance is now owning VRRP VIPs <="), heard::toString);
  }

  @Test
  void heloAndTheNodesNameInTheSubject() throws Exception {
    start(builder().build());
    send(email("helo: b.example.com"));
    assertEquals("HELO b.example.com", heard.getFirst());
    assertTrue(
        heard.contains("Subject: [node-b] VRRP Instance web - Entering MASTER state"),
        heard::toString);
  }

  @Test
  void noMailGoesWhereCloudsTellCredentials() {
    var smtp = Serialization.unmarshal("---\nhost: 169.254.169.254\nport: 25\n", Smtp.class);
    var email = new Email("vip@example.com", List.of("ops@example.com"), null, smtp, null);
    var said = failure(Undeliverable.class, email);
    assertTrue(said.contains("use another"), said);
  }

  private static String tlsFields(String tls) {
    return "tls: %s\nca: |\n%scredentialsSecretRef: {name: mail}"
        .formatted(tls, keys.pem().indent(2));
  }

  private static EmailChannel withLogin(Email email, String password) {
    var ref = email.smtp().credentialsSecretRef();
    return new EmailChannel(
        email,
        Map.of(
            ref.username(),
            "vip".getBytes(StandardCharsets.UTF_8),
            ref.password(),
            password.getBytes(StandardCharsets.UTF_8)),
        "node-b");
  }

  private SMTPServer.Builder withAuth() {
    return builder()
        .requireAuth()
        .authenticationHandlerFactory(
            new EasyAuthenticationHandlerFactory(
                (user, password, _) -> {
                  heard.add("LOGIN " + user + " " + password);
                  if (!password.equals("s3cret")) {
                    throw new LoginFailedException();
                  }
                }));
  }

  @Test
  void overStartTlsWithALogin() throws Exception {
    start(withAuth().startTlsSocketFactory(keys.context()).requireTLS().build());
    withLogin(email(tlsFields("StartTLS")), "s3cret").deliver(Notes.MASTER);
    assertTrue(heard.containsAll(List.of("LOGIN vip s3cret", "TO ops@example.com")));
  }

  @Test
  void overTlsFromTheFirstByteOn() throws Exception {
    start(withAuth().serverSocketFactory(keys.context()).build());
    withLogin(email(tlsFields("Implicit")), "s3cret").deliver(Notes.MASTER);
    assertTrue(heard.containsAll(List.of("LOGIN vip s3cret", "TO ops@example.com")));
  }

  @Test
  void aWrongPasswordIsTriedOnce() {
    start(withAuth().startTlsSocketFactory(keys.context()).requireTLS().build());
    var refusal = failure(Undeliverable.class, withLogin(email(tlsFields("StartTLS")), "wrong"));
    assertTrue(refusal.startsWith("127.0.0.1 refuses user name or password (535"), refusal);
  }

  @Test
  void aMissingSecretIsAProblemThatMayEnd() {
    start(builder().build());
    var missing = new EmailChannel(email(tlsFields("StartTLS")), Map.of(), "node-b");
    assertEquals(
        List.of(
            new Problem(
                "spec.notifications.email.smtp.credentialsSecretRef",
                "create the Secret mail with the keys username and password and the label"
                    + " virtualip.dev/notifications=true")),
        missing.problems());
    assertEquals(
        "create the Secret mail with the keys username and password and the label"
            + " virtualip.dev/notifications=true",
        failure(IOException.class, missing));
    assertEquals(List.of(), withLogin(missing.email(), "s3cret").problems());
  }

  @Test
  void withoutStartTlsNothingIsSaid() {
    start(builder().build());
    assertEquals(
        "STARTTLS is required but host does not support STARTTLS",
        failure(IOException.class, withLogin(email(tlsFields("StartTLS")), "s3cret")));
    assertEquals(List.of(), heard);
  }

  @Test
  void aCertificateThatNobodyTrustedHasSignedIsRefused() {
    start(builder().startTlsSocketFactory(keys.context()).enableTLS().build());
    var said = failure(IOException.class, email("tls: StartTLS"));
    assertTrue(said.contains("unable to find valid certification path"), said);
  }

  @Test
  void whatTheServerRefusesForGoodIsNotSentAgain() {
    start(builder().build());
    for (var email :
        List.of(
            email("vip@example.com", List.of("nobody@example.com"), ""),
            email("nobody@example.com", List.of("ops@example.com"), ""))) {
      var refusal = failure(Undeliverable.class, email);
      assertTrue(refusal.contains("550 no such user"), refusal);
    }
  }

  @Test
  void whatItRefusesForNowIs() {
    start(builder().build());
    var refusal =
        failure(IOException.class, email("vip@example.com", List.of("later@example.com"), ""));
    assertTrue(refusal.contains("450 come again"), refusal);
  }

  @Test
  void oneBadRecipientDoesNotKeepItFromTheOthers() throws Exception {
    start(builder().build());
    send(email("vip@example.com", List.of("nobody@example.com", "ops@example.com"), ""));
    assertTrue(
        heard.contains("Subject: [node-b] VRRP Instance web - Entering MASTER state"),
        heard::toString);
  }

  @Test
  void aServerThatIsSilentAwayOrUnknownIsNamed() throws IOException {
    int port;
    try (var silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = silent.getLocalPort();
      var said = failure(IOException.class, to("127.0.0.1", port));
      assertTrue(said.contains("timed out"), said);
    }
    var said = failure(IOException.class, to("127.0.0.1", port));
    assertTrue(said.startsWith("Couldn't connect to host, port: 127.0.0.1, " + port), said);
    said = failure(IOException.class, to("no.such.host.invalid", port));
    assertTrue(said.matches("(unknown host|no answer from DNS about) no.such.host.invalid"), said);
  }

  private static Email to(String host, int port) {
    var smtp = "---\n{host: %s, port: %d, connectTimeout: 1s}".formatted(host, port);
    return new Email("a@b", List.of("c@d"), null, Serialization.unmarshal(smtp, Smtp.class), null);
  }
}
