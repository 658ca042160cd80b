package dev.virtualip.vip.keepalived;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What of a spec no line of a keepalived.conf says yet. Who writes a line takes its fields; what is
 * left in the end is lost, so that nothing gets lost in silence.
 */
final class Unsaid {
  /** Why fields are lost; a line is for a field and all that is in it. */
  private static final String REASONS =
      """
      advertRepeat: keepalived sends one advert an interval
      maxLearnedInterval: keepalived learns any interval
      allowOutside: it is about the status, which keepalived does not have
      authentication: keepalived drops a password beside auth_hmac
      probe: keepalived asks nobody whether an address is free
      lease: keepalived has no leases: addresses of one that is killed stay
      whenAllFail: a keepalived whose checks fail gives up the addresses
      dns: keepalived tells no DNS
      pool: it is about the cluster
      nodes: say --node NODE for the values of a node
      detection: keepalived has sessions of BFD with detection.bfd.peers alone
      notifications/webhook: let the notify script do it
      notifications/exec/timeout: keepalived sets no limit
      notifications/email: keepalived has one sender, list and server for all, without TLS and login
      virtualServers: write virtual_server blocks by docs/layer4.md; export does not
      connectionSync: write lvs_sync_daemon by docs/layer4.md; export does not
      connectionTimeouts: write lvs_timeouts by docs/layer4.md; export does not
      heartbeats: keepalived's adverts go by one NIC
      egress: keepalived translates no sources; write rules of nftables that the notify script puts
      """;

  private static final Map<String, String> REASON_OF = new LinkedHashMap<>();

  static {
    REASONS.lines().map(line -> line.split(": ", 2)).forEach(r -> REASON_OF.put(r[0], r[1]));
  }

  private final String name;
  private final ObjectNode spec;
  private final List<String> lost = new ArrayList<>();

  /**
   * All of a spec.
   *
   * @param name that of the VirtualIP
   */
  Unsaid(String name, ObjectNode spec) {
    this.name = name;
    this.spec = spec.deepCopy();
  }

  /** Takes a field by its path, as in {@code garp/repeat}; a missing node if it is not there. */
  JsonNode take(String path) {
    return take(spec, path);
  }

  private static JsonNode take(ObjectNode object, String path) {
    int slash = path.indexOf('/');
    if (slash < 0) {
      var taken = object.remove(path);
      return taken == null ? MissingNode.getInstance() : taken;
    }
    var first = path.substring(0, slash);
    if (!(object.get(first) instanceof ObjectNode inner)) {
      return MissingNode.getInstance();
    }
    var taken = take(inner, path.substring(slash + 1));
    if (inner.isEmpty()) {
      object.remove(first);
    }
    return taken;
  }

  /** Takes fields whose values are known otherwise. */
  void takeAll(String... paths) {
    for (var path : paths) {
      take(path);
    }
  }

  /** The items of a list that is taken, each with what is unsaid of it. */
  List<Item> items(String path) {
    var items = new ArrayList<Item>();
    int i = 0;
    for (var item : take(path)) {
      items.add(new Item("%s[%d]".formatted(path.replace('/', '.'), i++), (ObjectNode) item));
    }
    return items;
  }

  /** An item of a list. */
  final class Item {
    private final String path;
    private final ObjectNode fields;

    private Item(String path, ObjectNode fields) {
      this.path = path;
      this.fields = fields;
    }

    JsonNode take(String field) {
      return Unsaid.take(fields, field);
    }

    /** The text of a field that is taken, or null. */
    String text(String field) {
      var taken = take(field);
      return taken.isMissingNode() ? null : taken.asText();
    }

    boolean has(String field) {
      return fields.has(field);
    }

    void lose(String why) {
      fields.removeAll();
      Unsaid.this.lose(path, why);
    }

    void say(String field, String what) {
      Unsaid.this.lose(path + "." + field, what);
    }

    /** What is left is lost. */
    void end(String why) {
      leaves(fields, path, why);
    }
  }

  /** Something is lost, or has to be done by hand. */
  void lose(String path, String why) {
    lost.add("%s: spec.%s: %s".formatted(name, path, why));
  }

  /** A line about each thing that is lost. */
  List<String> lost() {
    for (var field : spec.properties()) {
      if (field.getValue() instanceof ObjectNode object && !REASON_OF.containsKey(field.getKey())) {
        object
            .properties()
            .forEach(
                inner -> {
                  var path = field.getKey() + "/" + inner.getKey();
                  if (REASON_OF.containsKey(path)) {
                    lose(path.replace('/', '.'), reason(path));
                  } else {
                    leaves(inner.getValue(), path.replace('/', '.'), reason(path));
                  }
                });
      } else {
        lose(field.getKey(), reason(field.getKey()));
      }
    }
    spec.removeAll();
    return lost;
  }

  private static String reason(String path) {
    return REASON_OF.entrySet().stream()
        .filter(r -> (path + "/").startsWith(r.getKey() + "/"))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse("keepalived has nothing like it");
  }

  private void leaves(JsonNode node, String path, String why) {
    switch (node) {
      case ObjectNode object ->
          object.properties().forEach(f -> leaves(f.getValue(), path + "." + f.getKey(), why));
      case ArrayNode list -> lose(path, why);
      default -> lose(path, why);
    }
  }
}
