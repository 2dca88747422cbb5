release=$(live_release)
[[ -n ${release} ]] || fail release 'no release serves; run: fab deploy' 2
release_dir=${root}/releases/${release}
work_dir=${release_dir}/$(readlink -- "${release_dir}/work")
venv_dir=$(readlink -f -- "${root}/live/venv")
ok "release ${release}"
