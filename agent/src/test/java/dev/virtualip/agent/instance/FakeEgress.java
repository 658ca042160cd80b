package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.SourceNat;
import java.util.List;
import java.util.Map;

/** Source NAT of a kernel that does at once what is wanted. */
final class FakeEgress implements Node.Egress {
  /** What is translated; null as long as nothing has been said. */
  List<SourceNat> wanted;

  Map<String, String> problems = Map.of();

  @Override
  public void want(List<SourceNat> nats) {
    wanted = nats;
  }

  @Override
  public Map<String, String> problems() {
    return problems;
  }
}
