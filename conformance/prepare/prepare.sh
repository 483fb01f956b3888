#!/bin/sh
# Prepares what the conformance run on the official server needs, once, outside the source tree:
# the official jars, a Docker daemon, and an image of the official server. Everything lies below
# ${XDG_CACHE_HOME:-~/.cache}/gantry-conformance; a second call finds it and takes a second.
#
#   prepare.sh          prepare everything; what this machine lacks is named in one line each
#   prepare.sh jars     the jars only (targets jvm, mqadmin cases)
#   prepare.sh stop     stop the Docker daemon that this script started, if it did
#
# The findings are left in settings.env, where cmd/conformance reads them. The exit status is 0
# also when something is lacking: the run then counts the cases it cannot make as skipped.
#
# Settings: GANTRY_CONFORMANCE_IMAGE  image of the official server to use instead of a built one
#           DOCKER_HOST               daemon to use instead of a started one
set -u

version=5.5.0
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gantry-conformance
docker_dir=$cache/docker
docker_pid=$docker_dir/pid
jre_image=gantry-conformance/jre:17
built_image=gantry-conformance/rocketmq:$version-archived
image=${GANTRY_CONFORMANCE_IMAGE:-$built_image}
lib=$cache/rocketmq-$version/lib
lacking=

say() { echo "prepare: $*" >&2; }

# lack remembers a missing thing; each is named in one line.
lack() {
	say "lacking: $*"
	lacking="${lacking:+$lacking; }$*"
}

have() { command -v "$1" >/dev/null 2>&1; }

# install PACKAGE... where apt and the right to use it are at hand.
install() {
	[ "$(id -u)" = 0 ] && have apt-get || return 1
	say "installing $*"
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -q && apt-get install -q -y --no-install-recommends "$@"; } >"$cache/apt.log" 2>&1
}

# need COMMAND PACKAGE: present afterwards, or lacking.
need() {
	have "$1" || { install "$2" && have "$1"; } || { lack "$1 (Debian package $2; installed by this script when run as root)"; return 1; }
}

prepare_jars() {
	[ -e "$lib/.complete" ] && return 0
	need java default-jdk-headless && need mvn maven || return 1
	say "fetching the official jars, release $version"
	rm -rf "$lib"
	if ! mvn -q -B -f "$here/pom.xml" -Drocketmq.version="$version" \
		org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
		-DoutputDirectory="$lib" >"$cache/maven.log" 2>&1; then
		lack "the jars of the official server (Maven failed, see $cache/maven.log)"
		return 1
	fi
	touch "$lib/.complete"
}

daemon_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

prepare_daemon() {
	need docker docker.io || return 1
	daemon_answers && return 0
	[ -z "${DOCKER_HOST:-}" ] || { lack "a Docker daemon at DOCKER_HOST=$DOCKER_HOST"; return 1; }
	export DOCKER_HOST="unix://$docker_dir/docker.sock"
	daemon_answers && return 0
	[ "$(id -u)" = 0 ] || { lack "a running Docker daemon (this script starts one when run as root)"; return 1; }
	need dockerd docker.io || return 1
	say "starting dockerd below $docker_dir"
	mkdir -p "$docker_dir"
	# The containers use the host's network on loopback only: no bridge, no packet filter rules.
	setsid dockerd --data-root "$docker_dir/data" --exec-root "$docker_dir/exec" --pidfile "$docker_pid" \
		--host "$DOCKER_HOST" --bridge=none --iptables=false --ip6tables=false \
		>"$docker_dir/log" 2>&1 </dev/null 9>&- &
	tries=0
	until daemon_answers; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || { lack "a Docker daemon (dockerd does not come up here, see $docker_dir/log)"; return 1; }
		sleep 0.5
	done
}

prepare_image() {
	docker image inspect "$image" >/dev/null 2>&1 && return 0
	if [ "$image" != "$built_image" ]; then
		docker pull -q "$image" >/dev/null 2>&1 || { lack "the image $image"; return 1; }
		return 0
	fi
	if ! docker image inspect "$jre_image" >/dev/null 2>&1; then
		[ "$(id -u)" = 0 ] || { lack "the image $jre_image (built by this script when run as root)"; return 1; }
		need debootstrap debootstrap || return 1
		say "building $jre_image"
		root=$cache/jre-root
		rm -rf "$root"
		if ! debootstrap --variant=minbase --include=openjdk-17-jre-headless bookworm "$root" >"$cache/debootstrap.log" 2>&1; then
			lack "a Java runtime root (debootstrap failed, see $cache/debootstrap.log)"
			return 1
		fi
		rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists
		tar -C "$root" -c . | docker import - "$jre_image" >/dev/null || { lack "the image $jre_image"; return 1; }
		rm -rf "$root"
	fi
	say "building $built_image"
	docker build -q --network none --build-arg JRE="$jre_image" -t "$built_image" -f "$here/Dockerfile" "$cache/rocketmq-$version" \
		>"$cache/docker-build.log" 2>&1 || { lack "the image $built_image (see $cache/docker-build.log)"; return 1; }
}

stop_daemon() {
	[ -e "$docker_pid" ] || return 0
	pid=$(cat "$docker_pid")
	if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
		say "stopping dockerd"
		kill "$pid"
		while [ -e "/proc/$pid" ]; do sleep 0.2; done
	fi
	rm -f "$docker_pid"
}

mkdir -p "$cache"
exec 9>"$cache/lock" # one preparation at a time
if have flock; then flock 9; fi

case ${1:-all} in
stop)
	stop_daemon
	exit 0
	;;
jars)
	prepare_jars
	;;
all)
	prepare_jars && prepare_daemon && prepare_image
	;;
*)
	say "usage: prepare.sh [all|jars|stop]"
	exit 2
	;;
esac

{
	echo "# written by prepare.sh, read by cmd/conformance"
	echo "GANTRY_CONFORMANCE_LIB=$lib"
	echo "GANTRY_CONFORMANCE_IMAGE=$image"
	echo "DOCKER_HOST=${DOCKER_HOST:-}"
	echo "GANTRY_CONFORMANCE_LACKING=$lacking"
} >"$cache/settings.env"
[ -n "$lacking" ] || say "everything is at hand below $cache"
exit 0
