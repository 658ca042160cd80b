/**
 * The API of virtualip: the VirtualIP resource, and the one validator that decides what may run.
 */
package dev.virtualip.crds;
