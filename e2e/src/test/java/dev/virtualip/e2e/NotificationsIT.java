package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.e2e.Hooks.Post;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.MailServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** People and programs are told what happens, whatever becomes of some of them. */
@InLab
class NotificationsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final String CONTROL = ClassicPair.CONTROL;
  private static final Pattern SUBJECT = Pattern.compile("^Subject: (.*)$", Pattern.MULTILINE);

  private static final List<String> NAMES = List.of("web", "in", "out");

  private Lab lab;
  private Path scripts;

  @BeforeEach
  void open() throws IOException {
    lab = Lab.open();
    // Not in the lab's work folder, which only root may enter.
    scripts = Files.createTempDirectory(Path.of("/run/lab"), "scripts-");
    mode(scripts, "rwxrwxrwx");
    script("notify.sh", "file=$1; shift; echo \"$*\" >>\"$file\"");
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private static void mode(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  private void script(String name, String body) throws IOException {
    mode(Files.writeString(scripts.resolve(name), "#!/bin/sh\n" + body + "\n"), "rwxr-xr-x");
  }

  private static String sample(String name) throws IOException {
    return Files.readString(Lab.root().resolve("samples/" + name));
  }

  private static String metric(String channel, String result, String vip) {
    return "virtualip_notifications_total{channel=\"%s\",result=\"%s\",vip=\"%s\"}"
        .formatted(channel, result, vip);
  }

  private static int count(AgentProgram agent, String channel, String result, String vip) {
    var name = metric(channel, result, vip) + " ";
    return agent
        .metrics()
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToInt(line -> (int) Double.parseDouble(line.substring(name.length())))
        .sum();
  }

  private static List<String> subjects(List<String> mails, String from) {
    return mails.stream()
        .filter(mail -> mail.contains("From: " + from + "\n"))
        .map(mail -> SUBJECT.matcher(mail).results().map(m -> m.group(1)).findFirst().orElseThrow())
        .toList();
  }

  // keepalived and our agent side by side, on both nodes, with the same checks, script and mails.

  /** What the script was told, by the name of the VirtualIP or group. */
  private Map<String, List<String>> told(Host host, String by) {
    try {
      var file = scripts.resolve(host.name() + "-" + by);
      return !Files.exists(file)
          ? Map.of()
          : Files.readAllLines(file).stream()
              .collect(
                  Collectors.groupingBy(
                      line -> line.split(" ")[1], TreeMap::new, Collectors.toList()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void awaitState(Host host, String state) {
    for (var by : List.of("keepalived", "virtualip")) {
      // keepalived says nothing of its group if both members hear a higher advert at once.
      var names =
          by.equals("keepalived")
              ? List.of("web", "in", "out")
              : List.of("web", "in", "out", "edge");
      Await.until(
          "%s has told %s of %s on %s".formatted(by, state, names, host),
          SOON,
          () -> told(host, by),
          told ->
              names.stream()
                  .map(name -> told.getOrDefault(name, List.of("")).getLast())
                  .allMatch(line -> line.contains(" " + state + " ")));
    }
  }

  private String keepalivedConfig(Host host, int priority, List<String> names) {
    var text = new StringBuilder();
    text.append(
        """
        global_defs {
          router_id %1$s
          script_user root
          vrrp_version 3
          notification_email {
            ops@example.com
            second@example.com
          }
          notification_email_from keepalived@example.com
          smtp_server 10.0.0.1
          smtp_helo_name %1$s
        }
        vrrp_script nginx {
          script "/usr/bin/curl -sf -m 1 http://127.0.0.1/healthz"
          interval 1
          timeout 1
          rise 1
          fall 1
        }
        """
            .formatted(host.name()));
    var notify = "notify \"%s/notify.sh %1$s/%s-keepalived\"".formatted(scripts, host.name());
    for (var name : names) {
      text.append(
          """
          vrrp_instance %s {
            state BACKUP
            interface eth0
            virtual_router_id %d
            priority %d
            advert_int 0.5
            virtual_ipaddress {
              %s
            }
            %s
            %s
            notify_deleted
            smtp_alert
          }
          """
              .formatted(
                  name,
                  40 + NAMES.indexOf(name),
                  priority,
                  addresses("keepalived").get(name),
                  name.equals("in") ? "" : "track_script {\n    nginx\n  }",
                  notify));
    }
    return text.append("vrrp_sync_group edge {\n  group {\n    in\n    out\n  }\n  ")
        .append(notify)
        .append("\n  smtp_alert\n}\n")
        .toString();
  }

  private static Map<String, String> addresses(String by) {
    int last = by.equals("keepalived") ? 20 : 10;
    return Map.of(
        "web", "203.0.113.%d/24 dev eth1".formatted(last),
        "out", "203.0.113.%d/24 dev eth1".formatted(last + 1),
        "in", "10.0.0.%d/24 dev eth0".formatted(last + 100));
  }

  private String virtualIp(Host host, String name) {
    var address = addresses("virtualip").get(name).split(" dev ");
    var yaml =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: %s}
        spec:
          vrid: %d
          interface: eth0
          advertInterval: 500ms
          addresses: [{address: %s, interface: %s}]
          nodes: {overrides: [{name: node-a, priority: 150}]}
          notifications:
            exec: {command: [notify.sh, %s/%s-virtualip]}
            email:
              from: virtualip@example.com
              to: [ops@example.com, second@example.com]
              smtp: {host: 10.0.0.1}
        """
            .formatted(
                name, 30 + NAMES.indexOf(name), address[0], address[1], scripts, host.name());
    var check =
        "  healthChecks: [{name: nginx, http: {path: /healthz}, interval: 200ms, timeout: 5s}]\n";
    return yaml
        + (name.equals("in") ? "" : check)
        + (name.equals("web") ? "" : "  syncGroup: edge\n");
  }

  private final class Side {
    private final Host host;
    private final Keepalived keepalived;
    private final AgentProgram agent;

    Side(Host host, int priority) {
      this.host = host;
      keepalived = Keepalived.start(host, keepalivedConfig(host, priority, NAMES));
      agent =
          AgentProgram.start(
              host,
              virtualIp(host, "in") + "---\n" + virtualIp(host, "out"),
              Map.of(),
              "--scripts=" + scripts);
      agent.apply("web.yaml", virtualIp(host, "web"));
    }

    void stop() {
      keepalived.stop();
      agent.stop();
    }
  }

  @Test
  void keepalivedAndWeTellTheSameScriptAndTheSamePeopleTheSame() {
    var pair = ClassicPair.build(lab);
    try (var mail = MailServer.start(lab.control(), CONTROL, 25)) {
      var a = new Side(pair.nodeA(), 150);
      awaitState(a.host, "MASTER");
      var b = new Side(pair.nodeB(), 100);
      awaitState(b.host, "BACKUP");
      pair.nginxA().stop();
      awaitState(b.host, "MASTER");
      awaitState(a.host, "FAULT");
      pair.nginxA().start();
      awaitState(a.host, "MASTER");
      awaitState(b.host, "BACKUP");
      a.stop();
      awaitState(b.host, "MASTER");
      awaitState(a.host, "STOP");
      b.keepalived.reload(keepalivedConfig(b.host, 100, List.of("in", "out")));
      b.agent.delete("web.yaml");
      for (var by : List.of("keepalived", "virtualip")) {
        Await.until(
            by + " has told that web is deleted",
            SOON,
            () -> told(b.host, by).get("web").getLast(),
            "INSTANCE web DELETED 100"::equals);
        // A keepalived that stops sends no mail that it has not sent yet.
        Await.until(
            by + " has written that web is deleted",
            SOON,
            () -> subjects(mail.mails(), by + "@example.com"),
            subjects -> subjects.contains("[node-b] VRRP Instance web - Deleted"));
      }
      b.stop();

      assertEquals(
          sequences(150, "BACKUP MASTER FAULT BACKUP MASTER STOP", ""), told(a.host, "virtualip"));
      assertEquals(
          sequences(100, "BACKUP MASTER BACKUP MASTER STOP", "DELETED"), told(b.host, "virtualip"));
      // Not how often: on a slow machine keepalived makes a move more.
      for (var side : List.of(a, b)) {
        assertEquals(lines(told(side.host, "keepalived")), lines(told(side.host, "virtualip")));
      }
      assertSameMails(mail);
    }
  }

  private static Map<String, Set<String>> lines(Map<String, List<String>> told) {
    var lines = new TreeMap<String, Set<String>>();
    told.forEach((name, all) -> lines.put(name, Set.copyOf(all)));
    return lines;
  }

  /** The states of all, and of web another last one. */
  private static Map<String, List<String>> sequences(int priority, String states, String webLast) {
    var all = new TreeMap<String, List<String>>();
    for (var name : List.of("edge", "in", "out", "web")) {
      var own = name.equals("web") && !webLast.isEmpty() ? states.replace("STOP", webLast) : states;
      var format = name.equals("edge") ? "GROUP edge %s 0" : "INSTANCE " + name + " %s " + priority;
      all.put(name, Stream.of(own.split(" ")).map(format::formatted).toList());
    }
    return all;
  }

  /** keepalived ends before it has sent the mails that say so; ours may be late for them too. */
  private static void assertSameMails(MailServer mail) {
    var mails = mail.mails();
    assertEquals(
        sorted(subjects(mails, "keepalived@example.com")),
        sorted(subjects(mails, "virtualip@example.com")));
    assertTrue(
        subjects(mails, "virtualip@example.com")
            .contains("[node-b] VRRP Group edge - Entering MASTER state"));
    assertTrue(mail.proc().output().contains("EHLO node-b"), "our HELO");
  }

  private static List<String> sorted(Collection<String> subjects) {
    return subjects.stream().filter(s -> !s.endsWith("Stopping")).distinct().sorted().toList();
  }

  // One node with a VirtualIP for each way in which a channel can work or not.

  private static String lone(int number, String name, String notifications) {
    return """
    ---
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: %s}
    spec:
      vrid: %d
      interface: eth0
      advertInterval: 100ms
      addresses: [{address: 10.0.1.%2$d/24}]
      notifications: {%s}
    """
        .formatted(name, number, notifications);
  }

  private String lonelyOnes(int silentPort, String ca) {
    var mail =
        "email: {from: virtualip@example.com, to: [ops@example.com], smtp: {host: 10.0.0.1, %s}}";
    var hook =
        "webhook: {plainHttp: true, url: 'http://10.0.0.1:%s', timeout: 1s, format: Slack%s}";
    var manifests = new ArrayList<String>();
    Map<String, String> all = new TreeMap<>();
    all.put("exec-fine", "exec: {command: [who.sh]}");
    all.put("exec-fails", "exec: {command: [fails.sh]}");
    all.put("exec-hangs", "exec: {command: [hangs.sh], timeout: 1s}");
    all.put("exec-hangs-on", "exec: {command: [hangs.sh]}");
    all.put("exec-missing", "exec: {command: [no.sh]}");
    all.put("exec-elsewhere", "exec: {command: [/bin/true]}");
    all.put("mail-fine", mail.formatted("port: 587, tls: StartTLS, ca: \"" + ca + "\""));
    all.put("mail-hangs", mail.formatted("port: " + silentPort + ", connectTimeout: 1s"));
    all.put("mail-refused", mail.formatted("port: 9"));
    all.put(
        "mail-secret",
        mail.formatted("tls: StartTLS, credentialsSecretRef: {name: smtp}, port: 587"));
    all.put("hook-fine", hook.formatted("8080/fine", ""));
    all.put("hook-forbidden", hook.formatted("8080/forbidden", ""));
    all.put("hook-hangs", hook.formatted(silentPort, ""));
    all.put(
        "hook-secret",
        hook.formatted(
            "8080/secret",
            ", headers: [{name: Authorization, valueSecretRef: {name: hook, key: auth}}]"));
    all.forEach((name, to) -> manifests.add(lone(100 + manifests.size(), name, to)));
    return String.join("", manifests);
  }

  @Test
  void eachChannelSucceedsFailsHangsOrIsMisconfiguredByItself() throws Exception {
    lab.wire("internal").address(CONTROL + "/24");
    var host = lab.host("node-a").plug("eth0", lab.wire("internal"), "10.0.0.11/24");
    script("who.sh", "id -u; grep CapEff /proc/self/status; echo told: \"$@\"");
    script("fails.sh", "echo it went wrong; exit 3");
    script("hangs.sh", "sleep 1000");
    var keys = ServerKeys.make(lab.work(), CONTROL);
    try (var mail =
            MailServer.start(
                lab.control(),
                CONTROL,
                587,
                "--tlscert=" + keys.certificate(),
                "--tlskey=" + keys.key());
        var hooks = Hooks.start(CONTROL, 8080);
        var silent = new ServerSocket(0, 1, InetAddress.ofLiteral(CONTROL))) {
      hooks.refuseNext(503);
      var ca = Files.readString(keys.certificate()).replace("\n", "\\n");
      var agent =
          AgentProgram.start(
              host,
              lonelyOnes(silent.getLocalPort(), ca),
              Map.of("sms/authorization", "Bearer TOKEN\n"),
              "--scripts=" + scripts);
      for (int i = 0; i < 14; i++) {
        int last = 100 + i;
        Await.until("VIP " + i, SOON, () -> host.hasAddress("10.0.1." + last));
      }
      assertEquals(0, count(agent, "exec", "failed", "exec-hangs-on"), "its script still runs");
      assertOutcomes(agent);
      assertSaysWhatIsWrong(agent);
      assertEquals(
          List.of("BACKUP", "MASTER"),
          subjects(mail.mails(), "virtualip@example.com").stream()
              .map(
                  subject -> subject.replaceAll(".*VRRP Instance mail-fine - Entering | state", ""))
              .toList());
      assertTrue(mail.proc().output().contains("STARTTLS"));

      agent.apply("sms.yaml", sample("13-text-message.yaml"));
      agent.secret("hook/auth", "Bearer x");
      awaitPosts(
          hooks, "/secret", "Bearer x", "hook-secret is BACKUP on", "hook-secret is MASTER on");
      awaitPosts(hooks, "/messages", "Bearer TOKEN", "To=%2B15550100&From=virtualip&Body=Virtual");

      agent.stop();
      assertEquals(0, agent.proc().exitCode(), "what hangs holds up nothing");
      awaitPosts(
          hooks, "/fine", null, "hook-fine is BACKUP", "hook-fine is MASTER", "hook-fine is STOP");
      var log = agent.proc().output();
      Stream.of(
              "line=\"65534\"",
              "line=\"CapEff:\t0000000000000000\"",
              "line=\"told: INSTANCE exec-fine MASTER 100\"",
              "line=\"told: INSTANCE exec-fine STOP 100\"",
              "line=\"it went wrong\"")
          .forEach(line -> assertTrue(log.contains(line), line));
    }
  }

  private static void assertOutcomes(AgentProgram agent) {
    Map<String, Integer> least = new TreeMap<>();
    least.put(metric("exec", "delivered", "exec-fine"), 2);
    least.put(metric("exec", "failed", "exec-fails"), 2);
    least.put(metric("exec", "failed", "exec-hangs"), 2);
    least.put(metric("exec", "failed", "exec-missing"), 2);
    least.put(metric("exec", "failed", "exec-elsewhere"), 2);
    least.put(metric("email", "delivered", "mail-fine"), 2);
    least.put(metric("email", "retried", "mail-hangs"), 1);
    least.put(metric("email", "retried", "mail-refused"), 1);
    least.put(metric("email", "retried", "mail-secret"), 1);
    least.put(metric("webhook", "delivered", "hook-fine"), 2);
    least.put(metric("webhook", "retried", "hook-fine"), 1);
    least.put(metric("webhook", "failed", "hook-forbidden"), 2);
    least.put(metric("webhook", "retried", "hook-hangs"), 1);
    least.put(metric("webhook", "retried", "hook-secret"), 1);
    Await.until(
        "all outcomes",
        SOON,
        () -> {
          var metrics = agent.metrics();
          return least.keySet().stream()
              .filter(name -> value(metrics, name) < least.get(name))
              .toList();
        },
        List::isEmpty);
  }

  private static double value(String metrics, String name) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
        .sum();
  }

  private void assertSaysWhatIsWrong(AgentProgram agent) {
    Map.of(
            "exec-missing",
            "spec.notifications.exec: there is no %s/no.sh: put it there or correct the command"
                .formatted(scripts),
            "exec-elsewhere",
            "spec.notifications.exec: /bin/true is not below %s: only commands there may be run"
                .formatted(scripts),
            "mail-secret",
            "spec.notifications.email.smtp.credentialsSecretRef: create the Secret smtp with the"
                + " keys username and password and the label virtualip.dev/notifications=true",
            "hook-secret",
            "spec.notifications.webhook.headers[0].valueSecretRef: create the Secret hook with the"
                + " key auth and the label virtualip.dev/notifications=true")
        .forEach(
            (name, message) -> {
              agent.awaitStatus(name, "state", "Master");
              agent.awaitStatus(name, "message", message);
            });
    assertTrue(agent.status("exec-fine").path("message").isMissingNode());
  }

  private static void awaitPosts(Hooks hooks, String path, String authorization, String... parts) {
    var posts =
        Await.until(
            "posts to " + path,
            SOON,
            () -> hooks.posts().stream().filter(post -> post.path().equals(path)).toList(),
            found -> found.size() >= parts.length);
    assertEquals(parts.length, posts.size(), posts::toString);
    for (int i = 0; i < parts.length; i++) {
      Post post = posts.get(i);
      assertEquals(authorization, post.authorization());
      assertTrue(post.body().contains(parts[i]), post::body);
    }
  }

  // In pods, with the sample, and the API server away.

  @Test
  void podsTellToo() throws IOException {
    var pair = ClassicPair.build(lab);
    try (var mail = MailServer.start(lab.control(), CONTROL, 25);
        var hooks = Hooks.start(CONTROL, 9093);
        var cluster = Cluster.install(lab, pair, ApiServer.start(lab, CONTROL))) {
      cluster.enableScripts(
          Map.of("send_msg.sh", "#!/bin/sh\necho \"told: $* $(id -u) $(ls /etc/virtualip)\"\n"));
      cluster.startOperator();
      cluster.startWorkers();
      cluster.apply(sample("12-notifications.yaml"));
      Await.until("node-a is master", SOON, () -> pair.nodeA().hasAddress("203.0.113.86"));
      Await.until(
          "node-b is backup", SOON, () -> cluster.status("told").nodes().get("node-b") != null);

      cluster.api().down();
      pair.nginxA().stop();
      var agent = cluster.node("node-b").proc(Cluster.AGENT);
      agent.awaitOutput("line=\"told: INSTANCE told MASTER 100 65534 scripts\"", SOON);
      Await.until(
          "both nodes' mails",
          SOON,
          () -> subjects(mail.mails(), "virtualip@example.com"),
          subjects ->
              subjects.containsAll(
                  List.of(
                      "[node-a] VRRP Instance told - Entering FAULT state",
                      "[node-b] VRRP Instance told - Entering MASTER state")));
      Await.until(
          "both nodes' alerts",
          SOON,
          () -> hooks.posts().stream().map(Post::body).collect(Collectors.joining("\n")),
          posts ->
              posts.contains("VirtualIP told is MASTER on node-b, was BACKUP")
                  && posts.contains("VirtualIP told is FAULT on node-a, was MASTER"));
    }
  }
}
