/** How operator and agents talk to the API server beyond what the client does by itself. */
package dev.virtualip.kube;
