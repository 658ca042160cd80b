package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class RedactionTest {
  @Test
  void whatMayBeASecretIsRemovedAndTheRestStays() {
    var tree =
        Web.tree(
            """
            metadata:
              managedFields: [{manager: x}]
              annotations: {virtualip.dev/switch-to: node-b, kubectl.kubernetes.io/last: secret}
            spec:
              notifications: {webhook: {url: 'https://hooks.example/secret'}}
              healthChecks:
                - {name: a, http: {path: '/health?token=secret', hostHeader: secret}}
                - {name: b, exec: {command: [check, --password, secret]}}
                - {name: c, http: {path: /healthz}}
              containers:
                - env: [{name: LOG_LEVEL, value: DEBUG}, {name: TOKEN, value: secret}]
              authentication: {passwordSecretRef: {name: vip-auth, key: web}}
            status: null
            """);
    var text = Redaction.of(tree).toString();
    assertEquals(-1, text.indexOf("secret\""), text);
    assertEquals(
        """
        {"virtualip.dev/switch-to":"node-b"}""",
        tree.at("/metadata/annotations").toString());
    assertEquals(
        """
        [{"name":"a","http":{"path":"/health?(removed)","hostHeader":"(removed)"}},\
        {"name":"b","exec":{"command":["check","(removed)","(removed)"]}},\
        {"name":"c","http":{"path":"/healthz"}}]""",
        tree.at("/spec/healthChecks").toString());
    assertEquals(
        """
        [{"name":"LOG_LEVEL","value":"DEBUG"},{"name":"TOKEN","value":"(removed)"}]""",
        tree.at("/spec/containers/0/env").toString());
    assertEquals("vip-auth", tree.at("/spec/authentication/passwordSecretRef/name").asText());
  }
}
