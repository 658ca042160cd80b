package dev.virtualip.e2e;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.LabNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** measures */
public final class Footprint {
  private static final Duration LONG = Duration.ofSeconds(120);
  private static final JsonMapper JSON = new JsonMapper();

  private Footprint() {}

  public static void main(String[] args) throws Exception {
    try (var lab = Lab.open()) {
      var pair = ClassicPair.build(lab);
      try (var api = ApiServer.real(lab, ClassicPair.CONTROL)) {
        api.installCrd();
        var config = api.kubeconfig().toString();
        for (var host : pair.nodes()) {
          LabNode.start(
              api, host, host == pair.nodeA() ? "10.0.0.11" : "10.0.0.12", Map.of(), Map.of());
        }
        var nodeA = pair.nodeA();
        vip(api, 1);
        int count = 1;
        Files.writeString(Path.of("/run/lab/ca.crt"), api.certificateAuthority());
        for (var arg : args) {
          if (arg.startsWith("!")) {
            System.out.println("$ " + arg);
            System.out.println(lab.control().run("sh", "-c", arg.substring(1)));
            continue;
          }
          if (arg.startsWith("+")) {
            for (; count < Integer.parseInt(arg.substring(1)); count++) {
              vip(api, count + 1);
            }
            continue;
          }
          int n = count;
          System.out.println("== " + arg);
          var env = new java.util.HashMap<String, String>(api.podEnvironment());
          env.put("KC", config);
          List<String> words =
              List.of("sh", "-c", arg, "sh", "run", "--node=node-a", "--state-dir=/run/lab/st");
          if (!arg.contains("INCLUSTER")) {
            words = new java.util.ArrayList<>(words);
            words.add("--kubeconfig=" + config);
          }
          dev.virtualip.e2e.lab.Proc proc = null;
          for (int i = 0; i < (arg.contains("TRAIN") || arg.contains("ONCE") ? 1 : 4); i++) {
            if (proc != null) {
              proc.stop();
            }
            proc = nodeA.start("agent", env, words.toArray(String[]::new));
            System.out.println("start: " + startToBackup(proc));
            Await.until("masters", LONG, () -> masters(nodeA) == n);
          }
          if (!arg.contains("TRAIN")) {
            Thread.sleep(15_000);
            show(n + " VIP", proc.pid());
            Files.copy(
                Path.of("/proc/" + proc.pid() + "/smaps"),
                Path.of("/var/tmp/images/smaps"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
          }
          if (arg.contains("HD")) {
            nodeA.run(
                System.getenv("JAVA_HOME") + "/bin/jcmd",
                "" + proc.pid(),
                "GC.heap_dump",
                "-overwrite",
                "/var/tmp/images/h.hprof");
          }
          if (arg.contains("NMT")) {
            System.out.println(
                nodeA.run(
                    System.getenv("JAVA_HOME") + "/bin/jcmd",
                    "" + proc.pid(),
                    "VM.native_memory",
                    "summary"));
            System.out.println(
                nodeA.run(
                    System.getenv("JAVA_HOME") + "/bin/jcmd", "" + proc.pid(), "GC.heap_info"));
            System.out.println(
                nodeA.run(
                    "sh",
                    "-c",
                    System.getenv("JAVA_HOME")
                        + "/bin/jcmd "
                        + proc.pid()
                        + " GC.class_histogram | head -40"));
            System.out.println(
                nodeA
                    .run(
                        System.getenv("JAVA_HOME") + "/bin/jcmd",
                        "" + proc.pid(),
                        "Thread.print",
                        "-e")
                    .lines()
                    .filter(l -> l.startsWith("\""))
                    .map(l -> l.split("\"")[1])
                    .toList());
            System.out.println(
                nodeA.run(
                    System.getenv("JAVA_HOME") + "/bin/jcmd", "" + proc.pid(), "GC.heap_info"));
          }
          proc.stop(Duration.ofSeconds(90));
        }
      }
    }
  }

  private static long masters(Host host) {
    try {
      long n = 0;
      for (var vip : JSON.readTree(host.get("http://127.0.0.1:9405/status")).path("virtualIPs")) {
        n += vip.path("state").asText().equals("Master") ? 1 : 0;
      }
      return n;
    } catch (IOException e) {
      return 0;
    }
  }

  private static String startToBackup(dev.virtualip.e2e.lab.Proc proc) {
    var m = proc.awaitOutput("^(\\S+) INFO .* state=Backup", LONG);
    return Duration.between(started(proc.pid()), Instant.parse(m.group(1))).toMillis()
        + " ms, cpu "
        + cpu(proc.pid())
        + " ms";
  }

  static long cpu(long pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      var f = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      return 10 * (Long.parseLong(f[11]) + Long.parseLong(f[12]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** When a process was started; to 10 ms. */
  static Instant started(long pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      long ticks = Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
      var boot = Pattern.compile("btime (\\d+)").matcher(Files.readString(Path.of("/proc/stat")));
      boot.find();
      double uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
      return Instant.now().minusMillis((long) (uptime * 1000) - ticks * 10);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void show(String what, long pid) throws IOException {
    System.out.println(what);
    Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
        .filter(l -> l.startsWith("VmRSS") || l.startsWith("Rss") || l.startsWith("Threads"))
        .forEach(l -> System.out.println("  " + l));
  }

  private static void vip(ApiServer api, int i) {
    var yaml =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: vip-%d}
        spec:
          vrid: %d
          interface: eth0
          addresses: [{address: 192.0.2.%d/32, interface: eth1}]
        """
            .formatted(i, i, i);
    api.client().resource(yaml).create();
  }
}
