package dev.virtualip.e2e.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.HashSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SetupTest {
  @Test
  void bothAreToldTheSameAddresses() {
    for (var setup :
        new Setup[] {Setup.addresses(250), Setup.routers(250), Setup.classic(3, 100)}) {
      var all = setup.addresses();
      assertEquals(all.size(), new HashSet<>(all).size(), setup.name());
      assertFalse(all.contains("203.0.113.1"), "that is the router");
      var ours =
          Stream.of(setup.manifest().split("---\n"))
              .map(yaml -> Serialization.unmarshal(yaml, VirtualIp.class))
              .flatMap(vip -> vip.getSpec().addresses().stream())
              .map(address -> address.address().replaceFirst("/.*", ""))
              .toList();
      assertEquals(all, ours, setup.name());
      var theirs =
          setup
              .keepalivedConfig("node-a")
              .lines()
              .filter(line -> line.matches(" +203\\.0\\.113\\.\\d+/.*"))
              .map(line -> line.strip().replaceFirst("/.*", ""))
              .toList();
      assertEquals(all, theirs, setup.name());
    }
  }
}
