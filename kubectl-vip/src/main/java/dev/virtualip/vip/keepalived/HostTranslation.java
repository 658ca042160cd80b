package dev.virtualip.vip.keepalived;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Translates the configuration of one host. */
final class HostTranslation {
  private final Configuration configuration;
  private final ScriptFiles files;
  private final Report report;
  private final Globals globals;
  private final Tracking tracking;
  private final Notices notices;
  private final VirtualServers servers;
  private final Map<String, Router> routers = new LinkedHashMap<>();

  private HostTranslation(Configuration configuration, ScriptFiles files, Report report) {
    this.configuration = configuration;
    this.files = files;
    this.report = report;
    var commands = new Commands(files, report);
    globals = new Globals(report);
    tracking = new Tracking(commands, report);
    notices = new Notices(globals, report);
    servers = new VirtualServers(new ServerChecks(commands, report), globals, report);
  }

  /** The virtual routers of a host, in the order of its configuration. */
  static List<Router> translate(Configuration configuration, ScriptFiles files, Report report) {
    return new HostTranslation(configuration, files, report).translate();
  }

  private List<Router> translate() {
    var rest = new ArrayList<Directive>();
    for (var block : configuration.directives()) {
      if (block.keyword().equals("global_defs")) {
        globals.read(block);
      } else if (block.keyword().equals("virtual_server_group")) {
        servers.group(block);
      } else if (!tracking.define(block)) {
        rest.add(block);
      }
    }
    instances(rest);
    var groups = new SyncGroups(tracking, notices, report);
    each(
        rest,
        Set.of("vrrp_sync_group"),
        block -> {
          tracking.above(above(block));
          groups.translate(block, routers);
        });
    each(rest, Set.of("interface_up_down_delays"), this::delays);
    each(
        rest,
        Set.of("virtual_server"),
        block -> servers.translate(block, List.copyOf(routers.values())));
    globals.syncDaemons().forEach(daemon -> servers.sync(daemon, routers));
    rest.forEach(block -> Counterparts.TOP.judge(block, report));
    configuration.directives().stream()
        .filter(block -> block.keyword().equals("virtual_server_group"))
        .filter(block -> !report.isClaimed(block))
        .forEach(block -> report.unused(block, "no virtual server uses it"));
    globals.complete();
    tracking.complete();
    return List.copyOf(routers.values());
  }

  private List<Directive> above(Directive block) {
    return configuration.directives().stream().takeWhile(other -> other != block).toList();
  }

  private static void each(
      List<Directive> blocks, Set<String> keywords, Consumer<Directive> action) {
    blocks.stream().filter(block -> keywords.contains(block.keyword())).forEach(action);
  }

  private void instances(List<Directive> blocks) {
    var holdings = new Holdings(report);
    var instances = new Instances(globals, holdings, tracking, notices, files, report);
    each(
        blocks,
        Set.of("static_rules", "vrrp_instance"),
        block -> {
          if (block.keyword().equals("static_rules")) {
            holdings.skip(block);
            return;
          }
          var former = routers.get(block.argument(1));
          if (block.argument(1).isEmpty()) {
            report.notSupported(block, "has no name; keepalived refuses it, too");
          } else if (former == null) {
            tracking.above(above(block));
            routers.put(block.argument(1), instances.translate(block));
          } else {
            report.notSupported(
                block,
                "has the name of the one at %s; keepalived refuses it, too"
                    .formatted(former.instance().place()));
          }
        });
  }

  /** NIC, seconds until down counts, seconds until up counts. */
  private void delays(Directive block) {
    report.translated(block);
    for (var line : block.block()) {
      var down = new Reading(report).seconds(line, 1);
      var up = line.argument(2).isEmpty() ? down : new Reading(report).seconds(line, 2);
      boolean used = false;
      for (var router : routers.values()) {
        if (line.keyword().equals(router.spec().text("interface"))) {
          router.spec().put("linkDownDelay", down, line);
          router.spec().put("linkUpDelay", up, line);
          used = true;
        }
      }
      if (used && down != null && up != null) {
        report.translated(line);
      } else if (!used) {
        report.notSupported(
            line, "delays are of the NIC of the adverts, and of those in use with it");
      }
    }
  }
}
