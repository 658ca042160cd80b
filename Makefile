# Everything runs on a bare Debian 12 machine as root with a JDK 25; `make help` lists it.
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

export JAVA_HOME := $(shell deploy/launcher/find-jdk)
MVN := mvn -B -ntp -Dstyle.color=never

.PHONY: help build images reproduce deb deb-test kernel test simulate mutants fuzz demo bench soak crd docs release reproduce-release push stamp format packages node-packages nodes clean
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

build: packages ## Compile and package; leaves virtualip-agent, virtualip-operator and kubectl-vip in */target
	$(MVN) -q package -DskipTests
	@$(MAKE) -s agent/target/virtualip-agent.aot operator/target/virtualip-operator.jsa kubectl-vip/target/kubectl-vip.aot

# A cache made with another version of these is of no use, and the JVM silently does without.
OWN_LIBRARIES = $(wildcard crds/target/virtualip-crds-*.jar runtime/target/virtualip-runtime-*.jar)

# What the JVM learns in a training run: the agent starts sooner, and without it all the same.
agent/target/virtualip-agent.aot: agent/target/virtualip-agent.jar $(OWN_LIBRARIES)
	@rm -f $@
	@JAVA_OPTS="-XX:-AOTRecordTraining -XX:AOTCacheOutput=$@" agent/target/virtualip-agent train agent/target/training \
	  >agent/target/train.log 2>&1 || { rm -f $@; echo "no AOT cache was made, perhaps as an agent runs here: see agent/target/train.log"; }

# Of a list, as in the image: to run an operator takes an API server.
operator/target/virtualip-operator.jsa: operator/target/virtualip-operator.jar deploy/images/operator.classes $(OWN_LIBRARIES)
	@rm -f $@
	@{ "$$JAVA_HOME/bin/java" deploy/images/ClassList.java deploy/images/operator.classes operator/target operator/target/lib \
	  >operator/target/classes.list && JAVA_OPTS="-Xmx160m -Xshare:dump -XX:SharedClassListFile=operator/target/classes.list \
	  -XX:SharedArchiveFile=$@ -Xlog:disable -Xlog:all=error" operator/target/virtualip-operator; } >operator/target/dump.log 2>&1 || \
	  { rm -f $@; echo "no class cache was made: see operator/target/dump.log"; }

# The same for the command line, whose training needs no API server. With profiles, as each run is short.
kubectl-vip/target/kubectl-vip.aot: kubectl-vip/target/kubectl-vip.jar $(OWN_LIBRARIES)
	@rm -f $@
	@KUBECONFIG=/dev/null JAVA_OPTS="-XX:AOTCacheOutput=$@" kubectl-vip/target/kubectl-vip \
	  __train samples/01-active-standby.yaml samples/04-with-keepalived.conf >kubectl-vip/target/train.log 2>&1; [ -e $@ ] || echo "no AOT cache was made: see kubectl-vip/target/train.log"

# To run images in the lab.
RUNC := deploy/launcher/install-packages runc:runc \
  /usr/share/containers/seccomp.json:golang-github-containers-common

# A node of the lab with a kubelet.
NODE_PACKAGES := deploy/launcher/install-packages containerd:containerd runc:runc busybox:busybox-static \
  /usr/lib/cni/bridge:containernetworking-plugins

node-packages: ## Debian packages of nodes with a kubelet; `make test` uses it where there is one
	@$(NODE_PACKAGES)

nodes: build ## Two nodes with kubelet and containerd, and nginx in pods, until Ctrl-C; needs make images, KUBEBUILDER_ASSETS
	@$(NODE_PACKAGES)
	@e2e/src/lab/bin/java -cp "e2e/target/classes:e2e/target/lib/*" dev.virtualip.e2e.RealNodes

kernel: ## Debian packages of a VM for tests whose kernel modules are not here; `make test` uses it
	@deploy/launcher/install-packages qemu-system-x86_64:qemu-system-x86 \
	  /usr/share/doc/busybox-static:busybox-static /usr/share/doc/linux-image-amd64:linux-image-amd64

# The libraries afresh, for those of another version would be packed too.
images: packages ## OCI images and what is in them, in target/images; see deploy/README.md for BASE, ENGINE, ARCH
	@rm -rf agent/target/lib operator/target/lib
	@$(MVN) -q -T 1C package org.cyclonedx:cyclonedx-maven-plugin:makeBom -DskipTests -pl agent,operator,kubectl-vip -am
	@deploy/images/build

reproduce: ## Build the images of the last commit once more, elsewhere: are they the same?
	@deploy/images/reproduce

deb: packages ## Packages for bare servers, .deb and with rpmbuild .rpm, in target/packages; see docs/bare-servers.md
	@rm -rf agent/target/lib kubectl-vip/target/lib
	@$(MVN) -q package -DskipTests -pl agent,kubectl-vip -am
	@deploy/deb/build

deb-test: ## Install, run, upgrade and purge the package of `make deb` in a Debian 12 of its own
	@deploy/launcher/install-packages debootstrap:debootstrap python3:python3 systemd-analyze:systemd curl:curl \
	  rpm:rpm
	@deploy/deb/test

test: packages ## Tests: unit, simulation, API server, lab with live keepalived; LONG=1: with ten classes that take long
	@rm -rf */target/surefire-reports
	@[ ! -e target/images ] || $(RUNC)
	@[ ! -e target/images ] || [ ! -x "$$KUBEBUILDER_ASSETS/kubelet" ] || $(NODE_PACKAGES)
	@echo "API server: $${KUBEBUILDER_ASSETS:-the embedded one; set KUBEBUILDER_ASSETS for a real one}"
	@$(MVN) -q -T 1C verify $(if $(LONG),-Dtests.left.out=none); code=$$?; e2e/src/lab/test-summary; exit $$code

SEEDS := 100000
SIMULATION := $(JAVA_HOME)/bin/java -ea -XX:+UseParallelGC -cp \
  'agent/target/classes:agent/target/test-classes:agent/target/lib/*'
simulate: ## Simulations of the node machine: SEEDS=1000000 fresh ones, or one, told in detail: SEED=...
	@$(MVN) -q package -DskipTests -pl agent -am
	$(SIMULATION) dev.virtualip.agent.instance.Simulate $(if $(SEED),seed $(SEED),$(SEEDS))

mutants: ## Is the simulation any good? Bugs are brought in one by one, and each has to be found
	@$(MVN) -q package -DskipTests -pl agent -am
	$(SIMULATION) dev.virtualip.agent.instance.Mutants

SECONDS := 60
fuzz: ## Let Jazzer look for bytes that break the decoder, a node or the import, SECONDS=60 for each of four targets
	for target in agent:DecoderFuzzTest\#noFrameBreaksTheDecoder agent:DecoderFuzzTest\#noMessageBreaksTheDecoder \
	    agent:NodeFuzzTest\#nothingOnTheLanBreaksANode kubectl-vip:ImportFuzzTest\#noTextBreaksTheImport; do \
	  JAZZER_FUZZ=1 JAZZER_MAX_DURATION=$(SECONDS)s $(MVN) -q test -pl "$${target%%:*}" -am \
	    -Djazzer.hooks=true '-Djazzer.instrument=dev.virtualip.**' \
	    -Dtest="$${target#*:}" -Dsurefire.failIfNoSpecifiedTests=false || exit 1; \
	done

demo: build ## The classic nginx + keepalived scenario, narrated; IMAGES=1: from the images; RELEASE=1.2.3: from those of a release; LAYER4=1: with LVS instead
	@$(if $(IMAGES)$(RELEASE),$(RUNC))
	@$(if $(RELEASE),deploy/release/unpack "$(RELEASE)")
	$(if $(LAYER4),e2e/src/lab/with-modules ip_vs ip_vs_wlc -- )e2e/src/lab/bin/java $(if $(RELEASE),-Dvirtualip.release=$(CURDIR)/target/unpacked/$(RELEASE)) \
	  -cp "e2e/target/classes:e2e/target/lib/*" dev.virtualip.e2e.Demo \
	  $(if $(IMAGES)$(RELEASE),images)$(if $(LAYER4),layer4)

RUNS := 20
bench: build ## Moves beside keepalived's: RUNS=20 of each; see docs/benchmarks.md for BENCH="--moves=stop ..."
	e2e/src/lab/bin/java -cp "e2e/target/classes:e2e/target/lib/*" dev.virtualip.e2e.bench.Bench \
	  --runs=$(RUNS) $(BENCH)

MINUTES := 60
soak: build ## Memory and threads of agents and operator through an hour of edits, failovers and outages of the API server
	e2e/src/lab/bin/java -cp "e2e/target/classes:e2e/target/lib/*" dev.virtualip.e2e.bench.Soak \
	  --minutes=$(MINUTES) $(SOAK)

crd: ## Write crds/virtualips.virtualip.dev.yaml anew from the types
	$(MVN) -q test -pl crds -Dtest=CrdTest -Dcrd.rewrite=true

docs: ## Write docs/metrics.md, docs/api.md and README's figures anew from programs, CRD and docs/benchmarks.txt
	$(MVN) -q test -pl e2e -am -Dtest='MetricsTest,ApiTest,FiguresTest' \
	  -Dsurefire.failIfNoSpecifiedTests=false -Ddocs.rewrite=true

format: ## Format the sources
	$(MVN) -q spotless:apply

REGISTRY ?=
export REGISTRY
release: packages ## All that is published, of the last commit, in target/release/VERSION: VERSION=1.2.3 [REGISTRY=...]
	@deploy/release/build "$(VERSION)"

reproduce-release: ## Make the release in target/release/VERSION once more: is it the same? VERSION=1.2.3
	@deploy/release/reproduce "$(VERSION)"

push: ## Copy images and chart of a release to its registry: VERSION=1.2.3, after skopeo login
	@deploy/release/push "target/release/$(VERSION)"

stamp: ## Write a version into this tree, to commit: VERSION=1.2.3 [OPERATOR_DIGEST=sha256:... AGENT_DIGEST=...]
	@deploy/release/stamp "$(VERSION)" "$(OPERATOR_DIGEST)" "$(AGENT_DIGEST)"

packages: # Debian packages that are missing
	@[ -n "$(JAVA_HOME)" ]
	@deploy/launcher/install-packages

clean: ## Remove what was built
	rm -rf target */target
