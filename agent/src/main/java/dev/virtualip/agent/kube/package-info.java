/** The API server's side of the agent: configuration in, status out; never needed to fail over. */
package dev.virtualip.agent.kube;
