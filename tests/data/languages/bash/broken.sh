before() {
  if ready; then
    echo yes
  fi
}

broken() {
  if [ "$1" = x ; then
    echo "$(
}

after() {
  while ready; do
    sleep 1
  done
}
