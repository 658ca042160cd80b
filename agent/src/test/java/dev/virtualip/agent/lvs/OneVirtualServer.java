package dev.virtualip.agent.lvs;

import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;

/** The VirtualIP {@code web} with a virtual server {@code http}, as a node has it. */
public final class OneVirtualServer {
  private OneVirtualServer() {}

  /**
   * Its configuration.
   *
   * @param servers real servers, as elements of a YAML list
   * @param fields further fields of the virtual server, each on a line of YAML
   */
  public static InstanceConfig config(String servers, String... fields) {
    var yaml =
        """
        metadata: {name: web}
        spec:
          vrid: 77
          interface: eth0
          addresses: [{address: 203.0.113.10/24}]
          virtualServers:
            - name: http
              port: 80
              forwarding: Masquerade
              realServers: {addresses: [%s]}
              %s
        """
            .formatted(servers, String.join("\n      ", fields));
    var vip = Serialization.unmarshal(yaml, VirtualIp.class);
    return InstanceConfig.from(vip, "node-a", Map.of(), List.of());
  }
}
