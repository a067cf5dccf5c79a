#!/bin/sh
# enter_rootfs.sh ROOT COMMAND [ARGUMENTS]: becomes COMMAND inside ROOT, with /proc and /dev mounted where that can be
# done in private. In a chroot whose / is no mount point it cannot; Asterisk then does without /proc, and with the
# devices that mmdebstrap has made. Any other mount would outlive us, and what removes our folders would follow it.
set -eu

root=$1
shift
if why=$(unshare --mount --propagation private true 2>&1); then
    # shellcheck disable=SC2016
    exec unshare --mount --propagation private sh -euc '
        root=$1
        shift
        mount --rbind /proc "$root/proc"
        mount --rbind /dev "$root/dev"
        exec chroot "$root" "$@"
    ' enter_rootfs "$root" "$@"
fi
if ! [ -c "$root/dev/null" ] || ! (: >"$root/dev/null"); then
    echo "enter_rootfs: $why, and $root/dev/null is no device to use" >&2
    exit 1
fi
exec chroot "$root" "$@"
