package dev.virtualip.vip.keepalived;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A keepalived.conf by which a node does what VirtualIPs say: the way back of {@link Import}.
 *
 * @param text the file
 * @param lost a line for each thing that keepalived cannot do, or that has to be done by hand
 */
public record Export(String text, List<String> lost) {
  /** The script that keepalived may run; the agent's have their own folder. */
  static final String SCRIPTS = "/etc/keepalived/scripts/";

  /**
   * A valid VirtualIP.
   *
   * @param spec without defaults, lists included
   * @param addresses the addresses of the nodes, as their agents report them, by node
   * @param password that of VRRPv2; null if there is none, or nobody may see it
   * @param keys lines with ids and keys of signed adverts; null if there are none, or as above
   */
  public record Router(
      String name, ObjectNode spec, Map<String, String> addresses, String password, String keys) {}

  /**
   * Translates VirtualIPs.
   *
   * @param node the node that runs the file, or null for what the spec says of all nodes
   */
  public static Export of(List<Router> routers, String node) {
    var instances = new ArrayList<ExportedInstance>();
    var checks = new ExportedChecks();
    for (var router : routers) {
      instances.add(ExportedInstance.of(router, node, checks));
    }
    var conf = new ConfText();
    conf.comment(
        "By kubectl vip export of %s%s."
            .formatted(
                String.join(", ", routers.stream().map(Router::name).toList()),
                node == null ? "" : ", for " + node));
    new ExportedGlobals(instances, checks.runScripts()).write(conf);
    delays(instances, conf);
    conf.add(checks.definitions());
    groups(instances, conf);
    instances.forEach(instance -> conf.add(instance.text()));
    var lost = new ArrayList<String>();
    instances.forEach(instance -> lost.addAll(instance.unsaid().lost()));
    return new Export(conf.toString(), List.copyOf(lost));
  }

  /** The first instance on a NIC says how long it has to be up or down. */
  private static void delays(List<ExportedInstance> instances, ConfText conf) {
    var delays = new LinkedHashMap<String, String[]>();
    for (var instance : instances) {
      var own = instance.delays();
      for (var nic : own == null ? List.<String>of() : instance.nics()) {
        var first = delays.putIfAbsent(nic, own);
        if (first != null && !List.of(first).equals(List.of(own))) {
          instance
              .unsaid()
              .lose("linkDownDelay", "keepalived has one for all on " + nic + ": the first counts");
        }
      }
    }
    if (!delays.isEmpty()) {
      conf.open("interface_up_down_delays");
      delays.forEach((nic, delay) -> conf.line(nic, delay[0], delay[1]));
      conf.close();
    }
  }

  private static void groups(List<ExportedInstance> instances, ConfText conf) {
    var groups = new LinkedHashMap<String, List<String>>();
    for (var instance : instances) {
      if (instance.group() != null) {
        groups.computeIfAbsent(instance.group(), _ -> new ArrayList<>()).add(instance.name());
      }
    }
    groups.forEach(
        (group, members) -> {
          conf.open("vrrp_sync_group", group).open("group");
          members.forEach(conf::line);
          conf.close().close();
        });
    instances.stream()
        .filter(instance -> instance.group() != null)
        .filter(instance -> groups.get(instance.group()).size() == 1)
        .forEach(
            instance ->
                instance.unsaid().lose("syncGroup", "name all members of the group together"));
  }

  /** What is in global_defs, for all instances. */
  private record ExportedGlobals(List<ExportedInstance> instances, boolean runsScripts) {
    void write(ConfText conf) {
      var globals = new ConfText();
      if (runsScripts || instances.stream().anyMatch(ExportedInstance::runsScripts)) {
        globals.line("enable_script_security").line("script_user", "nobody");
      }
      shared("delayAfterBoot", "vrrp_startup_delay", globals);
      shared("garp.interval", "vrrp_garp_interval", globals);
      shared("garp.interval", "vrrp_gna_interval", globals);
      mail(globals);
      if (!globals.toString().isEmpty()) {
        conf.open("global_defs").add(globals.toString()).close();
      }
    }

    /** A value that keepalived has for all instances, if all of them have the same. */
    private void shared(String field, String keyword, ConfText globals) {
      var values = instances.stream().map(i -> i.global(keyword)).distinct().toList();
      if (values.size() == 1 && values.getFirst() != null) {
        globals.line(keyword, values.getFirst());
      } else if (values.size() > 1) {
        instances.stream()
            .filter(instance -> instance.global(keyword) != null)
            .forEach(
                instance ->
                    instance
                        .unsaid()
                        .lose(field, "keepalived has one for all instances: export it alone"));
      }
    }

    private void mail(ConfText globals) {
      var mails = instances.stream().filter(i -> i.mail() != null).toList();
      if (mails.isEmpty()) {
        return;
      }
      globals.add(mails.getFirst().mail());
      mails.stream()
          .filter(instance -> !Objects.equals(instance.mail(), mails.getFirst().mail()))
          .forEach(
              instance ->
                  instance
                      .unsaid()
                      .lose("notifications.email", "keepalived has one for all: the first counts"));
    }
  }
}
