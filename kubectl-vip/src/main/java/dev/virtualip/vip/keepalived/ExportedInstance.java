package dev.virtualip.vip.keepalived;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.crds.schema.Authentication.HmacAuthentication.Mode;
import dev.virtualip.crds.schema.InitialState;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.Transport;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.values.Durations;
import dev.virtualip.vip.keepalived.Export.Router;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** A VirtualIP as vrrp_instance, and what it needs outside of that block. */
final class ExportedInstance {
  private final Router router;
  private final String node;
  private final VirtualIpSpec spec;
  private final Unsaid unsaid;
  private final ConfText conf = new ConfText();
  private final Map<String, String> globals = new HashMap<>();
  private String[] delays;
  private String mail;

  private ExportedInstance(Router router, String node, VirtualIpSpec spec) {
    this.router = router;
    this.node = node;
    this.spec = spec;
    this.unsaid = new Unsaid(router.name(), router.spec());
  }

  static ExportedInstance of(Router router, String node, ExportedChecks checks) {
    try {
      var spec = new JsonMapper().treeToValue(router.spec(), VirtualIpSpec.class);
      var instance = new ExportedInstance(router, node, spec);
      instance.write(checks);
      return instance;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  String name() {
    return router.name();
  }

  String text() {
    return conf.toString();
  }

  Unsaid unsaid() {
    return unsaid;
  }

  String group() {
    return spec.syncGroup();
  }

  /** The value of a keyword of global_defs, or null. */
  String global(String keyword) {
    return globals.get(keyword);
  }

  /** What global_defs has for its mails, or null. */
  String mail() {
    return mail;
  }

  /** Seconds until down and until up counts; null if both count at once. */
  String[] delays() {
    return delays;
  }

  boolean runsScripts() {
    return spec.notifications().exec() != null;
  }

  /** The NICs of adverts, addresses and routes. */
  List<String> nics() {
    var nics = new LinkedHashSet<String>();
    nics.add(nic());
    spec.addresses().forEach(address -> nics.add(address.interfaceName()));
    spec.routes().forEach(route -> nics.add(route.interfaceName()));
    nics.remove(null);
    return List.copyOf(nics);
  }

  private String nic() {
    return node == null ? spec.interfaceName() : spec.interfaceOn(node);
  }

  private void write(ExportedChecks checks) {
    conf.open("vrrp_instance", router.name());
    election();
    announcements();
    authentication();
    transport();
    holdings();
    track("track_interface", trackedNics());
    tracked(checks.define(spec, unsaid));
    track("track_bfd", sessions(checks));
    notifications();
    conf.close();
    outside();
  }

  private void election() {
    boolean master = spec.initialState() == InitialState.Master;
    conf.line("state", master ? "MASTER" : "BACKUP");
    conf.line("interface", named("interface", nic()));
    conf.line("virtual_router_id", spec.vrid());
    conf.line("priority", node == null ? spec.priority() : spec.priorityOn(node));
    conf.line("version", spec.vrrpVersion());
    conf.line("advert_int", seconds(spec.advertInterval()));
    if (spec.rfc9568Checksum()) {
      conf.line("v3_checksum_as_v2");
    }
    unsaid.takeAll(
        "initialState", "interface", "vrid", "priority", "vrrpVersion", "advertInterval");
    if (spec.virtualMac()) {
      conf.line("use_vmac");
    }
    if (spec.vmacXmitBase()) {
      conf.line("vmac_xmit_base");
    }
    unsaid.takeAll("virtualMac", "vmacXmitBase");
    unsaid.takeAll("rfc9568Checksum", "preempt/enabled", "preempt/delay");
    var preempt = spec.preempt();
    boolean delayed = !Durations.parse(preempt.delay()).isZero();
    if (master && (!preempt.enabled() || delayed)) {
      unsaid.lose("preempt", "keepalived ignores it with state MASTER");
    } else if (!preempt.enabled()) {
      conf.line("nopreempt");
    } else if (delayed) {
      conf.line("preempt_delay", seconds(preempt.delay()));
    }
    if (node != null) {
      unsaid.take("nodes");
    }
  }

  /** A NIC that keepalived has to know by name. */
  private String named(String path, String nic) {
    if (nic.matches(".*[*?\\[/].*")) {
      unsaid.lose(path, "keepalived needs the name of a NIC: put it in place of " + nic);
    }
    return nic;
  }

  private void announcements() {
    var garp = spec.garp();
    conf.line("garp_master_repeat", garp.repeat());
    conf.line("garp_master_delay", whole("garp.delay", garp.delay()));
    conf.line("garp_master_refresh", whole("garp.refresh", garp.refresh()));
    boolean ipv6 = isIpv6();
    if (!Durations.parse(garp.interval()).isZero()) {
      globals.put(ipv6 ? "vrrp_gna_interval" : "vrrp_garp_interval", seconds(garp.interval()));
    }
    unsaid.takeAll("garp/repeat", "garp/delay", "garp/refresh", "garp/interval");
  }

  private boolean isIpv6() {
    return spec.addresses().stream()
        .filter(address -> address.advertised())
        .anyMatch(address -> address.address().contains(":"));
  }

  private void authentication() {
    var authentication = spec.authentication();
    if (authentication == null) {
      return;
    }
    var hmac = authentication.hmac();
    if (hmac != null) {
      unsaid.takeAll("authentication/hmac/keysSecretRef", "authentication/hmac/mode");
      signed(hmac.mode());
    } else {
      unsaid.take("authentication/passwordSecretRef");
      conf.open("authentication").line("auth_type", "PASS");
      conf.line("auth_pass", router.password() == null ? "PASSWORD" : router.password()).close();
      if (router.password() == null) {
        unsaid.lose("authentication", "the password is written with -f alone: replace PASSWORD");
      }
    }
  }

  private void signed(Mode mode) {
    conf.open("auth_hmac");
    if (router.keys() == null) {
      conf.line("key", 1, "hex:KEY").line("active_key", 1);
      unsaid.lose("authentication.hmac", "keys are written with -f alone: replace hex:KEY");
    } else {
      var id = "";
      for (var line : router.keys().lines().filter(line -> !line.isBlank()).toList()) {
        var words = line.strip().split("\\s+", 2);
        id = words[0];
        conf.line("key", id, "hex:" + words[words.length - 1]);
      }
      conf.line("active_key", id);
    }
    conf.line(
        "mode",
        switch (mode) {
          case ReceiveOnly -> "receive-only";
          case Permissive -> "permissive";
          case Enforce -> "enforce";
        });
    conf.close();
    unsaid.lose("authentication.hmac", "needs keepalived 2.4.1, and clocks that agree within 5 s");
  }

  /** Of keepalived each router has the list of the others, and IPv6 adverts a hop limit of 64. */
  private void transport() {
    var transport = spec.transport();
    unsaid.takeAll("transport/mode", "transport/peers", "transport/minTtl");
    if (transport.mode() != Transport.Mode.Unicast) {
      return;
    }
    var own = node == null ? null : router.addresses().get(node);
    var peers = new ArrayList<>(transport.peers());
    if (peers.isEmpty()) {
      peers.addAll(router.addresses().values().stream().sorted().toList());
      unsaid.lose("transport.peers", "the nodes that report to the status: look at the list");
    }
    if (own == null) {
      unsaid.lose(
          "transport.peers",
          node == null
              ? "say --node NODE, as a router's own address is not in its list"
              : "the address of %s is not known: take it out of the list".formatted(node));
    } else {
      conf.line("unicast_src_ip", own);
      peers.removeIf(peer -> peer.equals(own));
    }
    conf.line("unicast_ttl", 255).open("unicast_peer");
    for (var peer : peers) {
      if (transport.minTtl() == 255) {
        conf.line(peer);
      } else {
        conf.line(peer, "min_ttl", transport.minTtl());
      }
    }
    conf.close();
  }

  private void holdings() {
    addresses("virtual_ipaddress", true);
    addresses("virtual_ipaddress_excluded", false);
    unsaid.take("addresses");
    if (!spec.routes().isEmpty()) {
      conf.open("virtual_routes");
      for (var route : spec.routes()) {
        boolean any = route.to().equals("default");
        boolean ipv6 = route.via() != null && route.via().contains(":");
        var words = new ArrayList<Object>(List.of(any ? ipv6 ? "::/0" : "0.0.0.0/0" : route.to()));
        add(words, "via", route.via());
        add(
            words,
            "dev",
            named("routes", Objects.requireNonNullElse(route.interfaceName(), nic())));
        add(words, "src", route.source());
        add(words, "table", route.table());
        add(words, "metric", route.metric());
        if (Boolean.TRUE.equals(route.onLink())) {
          words.add("onlink");
        }
        conf.line(words.toArray());
      }
      conf.close();
    }
    if (!spec.rules().isEmpty()) {
      conf.open("virtual_rules");
      for (var rule : spec.rules()) {
        var words = new ArrayList<Object>();
        add(words, "from", rule.from());
        add(words, "to", rule.to());
        add(words, "table", rule.table());
        add(words, "priority", rule.priority());
        conf.line(words.toArray());
      }
      conf.close();
    }
    unsaid.takeAll("routes", "rules");
  }

  private static void add(List<Object> words, String keyword, Object value) {
    if (value != null) {
      words.add(keyword);
      words.add(value);
    }
  }

  private void addresses(String block, boolean advertised) {
    var addresses = spec.addresses().stream().filter(a -> a.advertised() == advertised).toList();
    if (addresses.isEmpty()) {
      return;
    }
    conf.open(block);
    for (var address : addresses) {
      if (spec.virtualMac()) {
        // Without a dev it is on the interface of the virtual MAC.
        conf.line(address.address());
        continue;
      }
      var nic = Objects.requireNonNullElse(address.interfaceName(), nic());
      conf.line(address.address(), "dev", named("addresses", nic));
    }
    conf.close();
  }

  /** In the order of the spec, so that the blocks may take turns. */
  private void tracked(List<ExportedChecks.Tracked> checks) {
    for (int i = 0; i < checks.size(); i++) {
      var block = checks.get(i).block();
      if (i == 0 || !checks.get(i - 1).block().equals(block)) {
        conf.open(block);
      }
      conf.line((Object[]) checks.get(i).words());
      if (i + 1 == checks.size() || !checks.get(i + 1).block().equals(block)) {
        conf.close();
      }
    }
  }

  private void track(String block, List<String[]> lines) {
    if (!lines.isEmpty()) {
      conf.open(block);
      lines.forEach(words -> conf.line((Object[]) words));
      conf.close();
    }
  }

  private List<String[]> trackedNics() {
    unsaid.take("trackInterfaces");
    return spec.trackInterfaces().stream()
        .map(
            nic ->
                ExportedChecks.concat(
                    named("trackInterfaces", nic.name()),
                    ExportedChecks.weight(nic.weight(), nic.reverse())))
        .toList();
  }

  private List<String[]> sessions(ExportedChecks checks) {
    var lines = new ArrayList<String[]>();
    if (spec.detection() == null || spec.detection().bfd() == null) {
      return lines;
    }
    var bfd = spec.detection().bfd();
    unsaid.lose("detection.bfd", "keepalived has sessions with peers alone, not between nodes");
    var items = unsaid.items("detection/bfd/peers");
    for (int i = 0; i < items.size(); i++) {
      var peer = bfd.peers().get(i);
      var millis = seconds(bfd.interval(), 3);
      var body = new ConfText().line("neighbor_ip", peer.address());
      body.line("min_rx", millis).line("min_tx", millis).line("multiplier", bfd.multiplier());
      for (var said : List.of("address", "weight", "reverse")) {
        items.get(i).take(said);
      }
      items.get(i).end("keepalived's sessions are by the kernel's routes");
      var name = checks.defined("bfd_instance", router.name() + "-bfd-" + (i + 1), body);
      lines.add(ExportedChecks.concat(name, ExportedChecks.weight(peer.weight(), peer.reverse())));
    }
    unsaid.takeAll("detection/bfd/interval", "detection/bfd/multiplier", "detection/bfd");
    return lines;
  }

  private void notifications() {
    var notifications = spec.notifications();
    if (notifications.exec() != null) {
      unsaid.takeAll("notifications/exec/command", "notifications/exec/states");
      var command = Export.SCRIPTS + String.join(" ", notifications.exec().command());
      unsaid.lose(
          "notifications.exec",
          "copy %s into %s".formatted(notifications.exec().command().getFirst(), Export.SCRIPTS));
      if (notifications.exec().states().isEmpty()) {
        conf.line("notify", command);
      }
      notifications
          .exec()
          .states()
          .forEach(state -> conf.line("notify_" + state.name().toLowerCase(Locale.ROOT), command));
    }
    if (notifications.email() != null) {
      conf.line("smtp_alert", "on");
      mail = mail(notifications.email());
    }
  }

  private String mail(Notifications.Email email) {
    var text = new ConfText().open("notification_email");
    email.to().forEach(text::line);
    text.close().line("notification_email_from", email.from());
    var smtp = email.smtp();
    text.line("smtp_server", smtp.host(), smtp.port());
    text.line(
        "smtp_connect_timeout", whole("notifications.email.connectTimeout", smtp.connectTimeout()));
    if (smtp.helo() != null) {
      text.line("smtp_helo_name", smtp.helo());
    }
    if (email.routerId() != null) {
      text.line("router_id", email.routerId());
    }
    for (var said : List.of("to", "from", "routerId", "smtp/host", "smtp/port", "smtp/helo")) {
      unsaid.take("notifications/email/" + said);
    }
    unsaid.take("notifications/email/smtp/connectTimeout");
    if (!email.states().isEmpty() && !email.states().contains(Notifications.State.Fault)) {
      text.line("no_email_faults");
      if (email.states().size() == 4) {
        unsaid.take("notifications/email/states");
      }
    }
    return text.toString();
  }

  private void outside() {
    unsaid.take("syncGroup");
    var boot = Durations.parse(spec.delayAfterBoot());
    if (!boot.isZero()) {
      globals.put("vrrp_startup_delay", seconds(spec.delayAfterBoot()));
      unsaid.lose("delayAfterBoot", "keepalived counts from its own start");
    }
    unsaid.take("delayAfterBoot");
    var down = Objects.requireNonNullElse(spec.linkDownDelay(), spec.linkDebounce());
    var up = Objects.requireNonNullElse(spec.linkUpDelay(), spec.linkDebounce());
    if (!Durations.parse(down).isZero() || !Durations.parse(up).isZero()) {
      delays = new String[] {seconds(down), seconds(up)};
    }
    unsaid.takeAll("linkDebounce", "linkDownDelay", "linkUpDelay");
  }

  private static String seconds(String duration) {
    return seconds(duration, 0);
  }

  /** A duration in seconds, with the point moved to the right. */
  private static String seconds(String duration, int right) {
    return BigDecimal.valueOf(Durations.parse(duration).toNanos(), 9)
        .movePointRight(right)
        .stripTrailingZeros()
        .toPlainString();
  }

  /** Whole seconds, at least what is asked for. */
  private String whole(String path, String duration) {
    var exact = Durations.parse(duration);
    long seconds = Math.ceilDiv(exact.toMillis(), 1000);
    if (exact.toMillis() != seconds * 1000) {
      unsaid.lose(path, "keepalived has whole seconds: %d s instead".formatted(seconds));
    }
    return Long.toString(seconds);
  }
}
