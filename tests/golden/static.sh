local post_build=()
local fill_py='<text of words/fill.py>'

build_as_app() { # COMMAND: with STATIC_ROOT in a folder that the app's user can write
  static_from "${collected}"
  in_release env "${static_variables[@]}" "${bash_of_input[@]}" 7<<<"$1"
}

take_over_static() {
  local new=${release_dir}/static.new
  adopt "${app}" "${collected}" "${new}" || refuse_collected "${new}"
  keep_plain_files "${new}"
  put_in_place "${new}"
  in_release rm -rf -- "${collected}" || : # a folder of the app's user; files left in it do no harm
}

refuse_collected() { # FOLDER
  rm -rf -- "$1"
  fail "static files of ${release}" "what collectstatic made in ${collected} could not be taken over; is it too large for the disk? Its last words are above"
}

copy_own() { # FOLDER: copies the static files that the project ships in its code
  local from new=${release_dir}/static.new
  from=$(realpath -e -- "$1")
  [[ ${from} == "${release_dir}/code/"* ]] || fail "static files of ${release}" "STATIC_ROOT leads to ${from}, which is outside of the release; set it to a folder of the project"
  rm -rf -- "${new}"
  cp -r -P -- "${from}" "${new}"
  find "${new}" ! -type d ! -type f -delete
  put_in_place "${new}"
}

put_in_place() { # FOLDER: makes it the release's static folder, which nginx can read and only root can change
  chown -hR -- root:root "$1"
  find "$1" -type d -exec chmod 755 {} +
  find "$1" -type f -exec chmod 644 {} +
  mv -T -- "$1" "${release_dir}/static"
  keep_hashed_names
}

# Keeps files with a hash in their name in shared/static, where pages of an older release find them. A file stays there as
# long as a release has it too.
keep_hashed_names() {
  find "${root}/shared/static" -type f -links 1 -delete
  comm -z -23 <(hashed_names "${release_dir}/static") <(hashed_names "${root}/shared/static") |
    (cd "${release_dir}/static" && xargs -r -0 cp -l --parents -t "${root}/shared/static" --)
}

hashed_names() { # FOLDER
  find "$1" -type f -regextype posix-extended -regex '.*\.[0-9a-f]{8,32}\.[^/.]+(\.(map|gz|br))?' -printf '%P\0' | LC_ALL=C sort -z
}

make_static() {
  rm -rf -- "${release_dir}/static"
  case ${static_answer} in
    own\ *) copy_own "${static_answer#own }" ;;
    same\ *) link_static ;;
    collected*) take_over_static ;;
    none) mkdir -m 755 -- "${release_dir}/static" ;;
    *) fail "static files of ${release}" 'the check of the release did not say where they come from; run the same command again' ;;
  esac
  printf '%s\n' "${static_answer#* }" >"${release_dir}/static.digest"
}

# The commit has files in its folder of uploads, such as a default picture. Uploads of visitors are never replaced.
copy_uploads() {
  as_user "${app}" "${root}/shared/home" python3 -I -S -c "${fill_py}" "${uploads_answer}/" "${root}/shared/media/"
}

[[ ${inspected_release} == "${release}" ]] || fail "static files of ${release}" 'the stage inspect must run before this one; have roadie.use name them in this order'
local line
for line in "${post_build[@]}"; do
  begin_step "post_build: ${line}" cut
  within "${build_timeout}" build_as_app "${line}" || fail "${doing}" "exit code $?; its last words are above"
  say ran "${doing}"
  doing=''
done
change_within "${build_timeout}" "static files of ${release}" make_static
[[ -z ${uploads_answer} ]] || change_within "${build_timeout}" "uploads that the commit has in ${uploads_answer##*/code/}" copy_uploads
