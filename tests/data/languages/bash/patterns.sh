complete() {
  if [[ $1 =~ ^(\[((no|dont)-?)\]). ]]; then
    return 0
  fi
  case $2 in
    --!(no-*)dir*) return 1 ;;
  esac
  echo "${host%]?(:+([0-9]))}"
}

finish() {
  echo done
}
