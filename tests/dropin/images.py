"""Images that have tini, dumb-init or catatonit, and engines that add one: how they start it.

The rows are facts of public Dockerfiles, and of the scripts and manifests beside them: the words
of ENTRYPOINT and CMD, the line of a script that executes the init, the variables that the init
reads, STOPSIGNAL, WORKDIR, and where the init is. `source` says in which repository and file.
Variables that say nothing to an init are examples of what has to arrive unchanged. `code` is the
exit code of such an application after its clean-up, 143 where it is a Java program.
"""
from dataclasses import dataclass, field

DEBIAN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONDA = f"/opt/conda/bin:{DEBIAN}"
BASH, SH, ENV_BASH = "#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash"
BINARY = ""


@dataclass(frozen=True)
class Image:
    name: str
    source: str
    peer: str        # the package
    at: str          # where the image has it
    entrypoint: list
    cmd: list = field(default_factory=list)
    app: str = ""    # the program or script of the application; none for a pause container
    by: str = BINARY  # the line of the interpreter that runs it
    scripts: dict = field(default_factory=dict)  # others: path -> text
    env: dict = field(default_factory=dict)
    path: str = DEBIAN
    workdir: str = "/"
    stop: str = "TERM"  # STOPSIGNAL
    ends: str = ""      # the signal that the application gets for it
    code: int = 0
    subreaper: bool = False  # the init is one where it is not PID 1
    direct: bool = True  # the init executes the application itself, and not a script in between

    @property
    def words(self):
        return [*self.entrypoint, *self.cmd]

    @property
    def end(self):
        return self.ends or self.stop


NODE = {"/usr/local/bin/docker-entrypoint.sh": f'{SH}\nset -e\nexec "$@"\n'}

TINI = [
    Image("jenkins", "jenkinsci/docker: debian/bookworm/hotspot/Dockerfile", "tini", "/usr/bin/tini",
          ["/usr/bin/tini", "--", "/usr/local/bin/jenkins.sh"],
          app="/usr/local/bin/jenkins.sh", by="#! /bin/bash -e", code=143,
          path=f"/opt/java/openjdk/bin:{DEBIAN}",
          env={"LANG": "C.UTF-8", "JENKINS_HOME": "/var/jenkins_home",
               "JENKINS_SLAVE_AGENT_PORT": "50000", "REF": "/usr/share/jenkins/ref",
               "COPY_REFERENCE_FILE_LOG": "/var/jenkins_home/copy_reference_file.log"}),
    Image("elasticsearch", "elastic/elasticsearch: distribution/docker/src/docker/Dockerfile", "tini",
          "/bin/tini", ["/bin/tini", "--", "/usr/local/bin/docker-entrypoint.sh"], ["eswrapper"],
          app="/usr/local/bin/docker-entrypoint.sh", by=BASH, code=143,
          path=f"/usr/share/elasticsearch/bin:{DEBIAN}", env={"ELASTIC_CONTAINER": "true"},
          workdir="/usr/share/elasticsearch"),
    Image("kibana", "elastic/kibana: src/dev/build/tasks/os_packages/docker_generator/templates/base/"
          "Dockerfile", "tini", "/bin/tini", ["/bin/tini", "--"], ["/usr/local/bin/kibana-docker"],
          app="/usr/local/bin/kibana-docker", by=BASH, workdir="/usr/share/kibana",
          path=f"/usr/share/kibana/bin:{DEBIAN}",
          env={"ELASTIC_CONTAINER": "true", "PROFILER_SIGNAL": "SIGUSR1"}),
    Image("grafana-image-renderer", "grafana/grafana-image-renderer: Dockerfile", "tini",
          "/usr/bin/tini", ["tini", "--", "/usr/bin/grafana-image-renderer"], ["server"],
          app="/usr/bin/grafana-image-renderer", workdir="/home/nonroot",
          env={"CHROME_BIN": "/usr/bin/chromium", "LANG": "en_US.UTF-8", "LC_ALL": "en_US.UTF-8"}),
    Image("n8n", "n8n-io/n8n: docker/images/n8n/Dockerfile", "tini", "/sbin/tini",
          ["tini", "--", "/docker-entrypoint.sh"], app="/docker-entrypoint.sh", by=SH,
          workdir="/home/node",
          env={"NODE_ENV": "production", "NODE_ICU_DATA": "/usr/local/lib/node_modules/full-icu",
               "SHELL": "/bin/sh"}),
    Image("argo-cd", "argoproj/argo-cd: Dockerfile, "
          "manifests/base/repo-server/argocd-repo-server-deployment.yaml", "tini", "/usr/bin/tini",
          ["/usr/bin/tini", "--"], ["/usr/local/bin/argocd-repo-server"],
          app="/usr/local/bin/argocd-repo-server", workdir="/home/argocd",
          env={"USER": "argocd", "GRPC_ENABLE_TXT_SERVICE_CONFIG": "false"}),
    Image("mastodon", "mastodon/mastodon: Dockerfile, docker-compose.yml", "tini", "/usr/bin/tini",
          ["/usr/bin/tini", "--"], ["bundle", "exec", "puma", "-C", "config/puma.rb"],
          app="/usr/local/bin/bundle", path=f"{DEBIAN}:/opt/mastodon/bin", workdir="/opt/mastodon"),
    Image("couchdb", "apache/couchdb-docker: 3.3.3/Dockerfile", "tini", "/usr/bin/tini",
          ["tini", "--", "/docker-entrypoint.sh"], ["/opt/couchdb/bin/couchdb"],
          app="/docker-entrypoint.sh", by=BASH, env={"COUCHDB_VERSION": "3.3.3"}),
    Image("jupyter", "jupyter/docker-stacks: docker-stacks-foundation/Dockerfile", "tini",
          "/opt/conda/bin/tini", ["tini", "-g", "--"], ["start.sh"], app="/usr/local/bin/start.sh",
          by=BASH, path=CONDA, workdir="/home/jovyan"),
    Image("neo4j", "neo4j/docker-neo4j: docker-image-src/4.4/coredb/Dockerfile-debian", "tini",
          "/usr/bin/tini", ["tini", "-g", "--", "/startup/docker-entrypoint.sh"], ["neo4j"],
          app="/startup/docker-entrypoint.sh", by=BASH, code=143, workdir="/var/lib/neo4j",
          path=f"/var/lib/neo4j/bin:/opt/java/openjdk/bin:{DEBIAN}",
          env={"JAVA_HOME": "/opt/java/openjdk", "NEO4J_HOME": "/var/lib/neo4j"}),
    Image("prefect", "PrefectHQ/prefect: Dockerfile", "tini", "/usr/bin/tini",
          ["/usr/bin/tini", "-g", "--", "/opt/prefect/entrypoint.sh"],
          app="/opt/prefect/entrypoint.sh", by=ENV_BASH, workdir="/opt/prefect",
          env={"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "UV_LINK_MODE": "copy"}),
    Image("dask", "dask/dask-docker: base/Dockerfile", "tini", "/opt/conda/bin/tini",
          ["tini", "-g", "--", "/usr/bin/prepare.sh"], app="/usr/bin/prepare.sh", by=BASH, path=CONDA),
    Image("spark", "apache/spark: resource-managers/kubernetes/docker/src/main/dockerfiles/spark/"
          "Dockerfile, entrypoint.sh", "tini", "/usr/bin/tini", ["/opt/entrypoint.sh"],
          ["/opt/java/openjdk/bin/java", "-Xms1g", "-Xmx1g"], app="/opt/java/openjdk/bin/java",
          scripts={"/opt/entrypoint.sh": f'{BASH}\nset -e\nexec /usr/bin/tini -s -- "$@"\n'},
          env={"SPARK_HOME": "/opt/spark"}, workdir="/opt/spark/work-dir", code=143,
          subreaper=True),
    Image("strimzi-kafka", "strimzi/strimzi-kafka-operator: "
          "docker-images/kafka-based/kafka/scripts/kafka_run.sh", "tini", "/usr/bin/tini",
          ["/opt/kafka/kafka_run.sh"], app="/opt/kafka/bin/kafka-server-start.sh", by=BASH, code=143,
          scripts={"/opt/kafka/kafka_run.sh": f'{ENV_BASH}\nset -e\nexec /usr/bin/tini -w -e 143 -- '
                   '"${KAFKA_HOME}/bin/kafka-server-start.sh" /tmp/strimzi.properties\n'},
          env={"KAFKA_HOME": "/opt/kafka"}, workdir="/opt/kafka"),
    Image("rancher", "rancher/rancher: package/Dockerfile, package/entrypoint.sh", "tini",
          "/usr/bin/tini", ["entrypoint.sh"], app="/usr/bin/rancher",
          scripts={"/usr/bin/entrypoint.sh": f'{BASH}\nset -e\nexec tini -- rancher '
                   '--http-listen-port=80 --https-listen-port=443 "${@}"\n'},
          env={"AUDIT_LEVEL": "0", "SSL_CERT_DIR": "/etc/rancher/ssl"}, workdir="/var/lib/rancher"),
    Image("starknet-os-runner", "starkware-libs/sequencer: "
          "deployments/images/sequencer/os_runner.Dockerfile", "tini", "/usr/bin/tini",
          ["sh", "-c", 'exec tini -- /app/target/$BUILD_MODE/starknet_os_runner "$@"', "--"],
          ["--config_file", "/data/config.json"], app="/app/target/release/starknet_os_runner",
          env={"BUILD_MODE": "release", "ID": "1001"}, workdir="/app"),
    Image("graphdb-free", "khaller93/graphdb-free: Dockerfile, docker-entrypoint.sh", "tini",
          "/usr/bin/tini", ["docker-entrypoint.sh"], app="/usr/bin/setpriv",
          scripts={"/usr/bin/docker-entrypoint.sh": f'{BASH}\nUSER=graphdb-user\n'
                   'exec tini -g setpriv -- --reuid=$USER --inh-caps=-all run-graphdb "$@"\n'},
          path=f"{DEBIAN}:/opt/graphdb/bin", code=143),
    Image("node-best-practices", "goldbergyoni/nodebestpractices: "
          "sections/docker/bootstrap-using-node.md", "tini", "/tini", ["/tini", "--"],
          ["node", "server.js"], app="/usr/local/bin/node", workdir="/usr/src/app",
          env={"TINI_VERSION": "v0.19.0"}),
    Image("docker-init", "moby/moby: daemon/oci_linux.go; nodejs/docker-node: docs/BestPractices.md",
          "tini", "/sbin/docker-init", ["/sbin/docker-init", "--", "docker-entrypoint.sh"],
          ["node", "index.js"], app="/usr/local/bin/node", scripts=NODE, direct=False, workdir="/home/node/app",
          env={"NODE_ENV": "production"}),
]

DUMB_INIT = [
    Image("airflow", "apache/airflow: Dockerfile", "dumb-init", "/usr/bin/dumb-init",
          ["/usr/bin/dumb-init", "--", "/entrypoint"], ["scheduler"], app="/entrypoint", by=ENV_BASH,
          path=f"/root/bin:/home/airflow/.local/bin:{DEBIAN}", workdir="/opt/airflow",
          env={"DUMB_INIT_SETSID": "1", "PS1": "(airflow)", "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}),
    Image("airflow-worker", "apache/airflow: Dockerfile, "
          "docs/apache-airflow/start/docker-compose.yaml, chart/templates/workers/worker-deployment.yaml",
          "dumb-init", "/usr/bin/dumb-init", ["/usr/bin/dumb-init", "--", "/entrypoint"],
          ["celery", "worker"], app="/entrypoint", by=ENV_BASH,
          path=f"/root/bin:/home/airflow/.local/bin:{DEBIAN}", workdir="/opt/airflow",
          env={"DUMB_INIT_SETSID": "0", "PS1": "(airflow)"}),
    Image("ingress-nginx", "kubernetes/ingress-nginx: rootfs/Dockerfile", "dumb-init",
          "/usr/bin/dumb-init", ["/usr/bin/dumb-init", "--"], ["/nginx-ingress-controller"],
          app="/nginx-ingress-controller", workdir="/etc/nginx"),
    Image("gitea-rootless", "go-gitea/gitea: Dockerfile.rootless", "dumb-init", "/usr/bin/dumb-init",
          ["/usr/bin/dumb-init", "--", "/usr/local/bin/docker-entrypoint.sh"],
          app="/usr/local/bin/docker-entrypoint.sh", by=SH, workdir="/var/lib/gitea",
          env={"GITEA_WORK_DIR": "/var/lib/gitea", "HOME": "/var/lib/gitea/git"}),
    Image("gitlab-runner", "gitlabhq/gitlab-runner: dockerfiles/runner/alpine/Dockerfile", "dumb-init",
          "/usr/bin/dumb-init", ["/usr/bin/dumb-init", "/entrypoint"],
          ["run", "--user=gitlab-runner", "--working-directory=/home/gitlab-runner"],
          app="/entrypoint", by=BASH, stop="QUIT"),
    Image("kolla", "openstack/kolla: docker/base/Dockerfile.j2", "dumb-init",
          "/usr/local/bin/dumb-init", ["dumb-init", "--single-child", "--"], ["kolla_start"],
          app="/usr/local/bin/kolla_start", by=BASH),
    Image("decapod-controller", "Mirantis/ceph-lcm: containerization/backend-controller.dockerfile",
          "dumb-init", "/usr/bin/dumb-init", ["/usr/bin/dumb-init", "-c", "--"],
          ["decapod-controller"], app="/usr/local/bin/decapod-controller"),
    Image("spilo", "zalando/spilo: postgres-appliance/Dockerfile, launch.sh", "dumb-init",
          "/usr/bin/dumb-init", ["/bin/sh", "/launch.sh", "init"], app="/launch.sh", direct=False,
          scripts={"/launch.sh": f'{SH}\n'
                   'if [ "x$1" = "xinit" ]; then\n'
                   "    exec /usr/bin/dumb-init -c --rewrite 1:0 -- /bin/sh /launch.sh\nfi\n"
                   'exec /bin/probe application "$0" "$@"\n'}),
    Image("trellis-signer", "trellisfw/trellis-signer: Dockerfile", "dumb-init", "/usr/bin/dumb-init",
          ["/usr/bin/dumb-init", "--rewrite", "15:2", "--", "yarn", "run"], ["start"],
          app="/usr/local/bin/yarn", ends="INT", workdir="/trellisfw/trellis-signer"),
    Image("vault", "hashicorp/docker-vault: 0.X/Dockerfile, 0.X/docker-entrypoint.sh", "dumb-init",
          "/bin/dumb-init", ["docker-entrypoint.sh"], ["server", "-dev"], app="/bin/vault", direct=False,
          scripts={"/usr/local/bin/docker-entrypoint.sh": "#!/bin/dumb-init /bin/sh\nset -e\n"
                   'shift\nset -- vault server -config=/vault/config "$@"\nexec "$@"\n'}),
    Image("atlantis", "runatlantis/atlantis: Dockerfile, docker-entrypoint.sh", "dumb-init",
          "/bin/dumb-init", ["docker-entrypoint.sh"], ["server"], app="/usr/local/bin/atlantis", direct=False,
          scripts={"/usr/local/bin/docker-entrypoint.sh": "#!/bin/dumb-init /bin/sh\nset -e\n"
                   'set -- atlantis "$@"\nexec "$@"\n'}),
]

CATATONIT = [
    Image("sonarr", "home-operations/containers: apps/sonarr/Dockerfile", "catatonit",
          "/usr/bin/catatonit", ["/usr/bin/catatonit", "--", "/entrypoint.sh"],
          app="/entrypoint.sh", by=ENV_BASH, workdir="/config",
          env={"UMASK": "0002", "TZ": "Etc/UTC", "DOTNET_EnableDiagnostics": "0",
               "SONARR__UPDATE__BRANCH": "develop"}),
    Image("posterizarr", "fscorrupt/Posterizarr: Dockerfile", "catatonit", "/usr/bin/catatonit",
          ["/usr/bin/catatonit", "--", "/entrypoint.sh"], app="/entrypoint.sh", by=SH,
          workdir="/config", env={"UMASK": "0002", "TZ": "Europe/Berlin",
                                  "PSModuleAnalysisCachePath": ""}),
    Image("ansible-execution-environment", "Cray-HPE/ansible-execution-environment: Dockerfile",
          "catatonit", "/usr/bin/catatonit", ["catatonit", "--", "/entrypoint.sh"],
          ["ansible-playbook", "/etc/ansible/site.yml"], app="/entrypoint.sh", by=SH,
          env={"LANG": "C.utf8"}),
    Image("podman-init", "containers/podman: ContainerInitPath of libpod/define, makeCommand of "
          "pkg/specgen/generate; nodejs/docker-node: docs/BestPractices.md", "catatonit",
          "/run/podman-init", ["/run/podman-init", "--", "docker-entrypoint.sh"],
          ["node", "index.js"], app="/usr/local/bin/node", scripts=NODE, direct=False,
          workdir="/home/node/app", env={"NODE_ENV": "production"}),
    Image("podman-pause", "containers/podman: pkg/specgen/generate/pause_image.go", "catatonit",
          "/catatonit", ["/catatonit", "-P"]),
]

IMAGES = [*TINI, *DUMB_INIT, *CATATONIT]
