#!/usr/bin/env bash

greet() {
  echo "hello $1"
}

function check {
  if [ -f "$1" ] && [ -r "$1" ] || [ -n "$2" ]; then
    return 0
  elif [[ $1 == a && $2 == b ]]; then
    return 1
  else
    return 2
  fi
}

function isolated() (
  cd /tmp || exit
)

shop::count() {
  local n=0
  for item in "$@"; do
    while [ "$n" -lt 3 ]; do
      if [ "$item" = stop ]; then
        break 2
      fi
      n=$((n + 1))
    done
  done
  for ((i = 0; i < 3; i++)); do
    continue
  done
  until ready; do
    sleep 1
  done
  shop::count "$n"
}

kind() {
  case $1 in
    a | b)
      echo low
      ;;
    c) echo three ;;
    *)
      echo many
      ;;
  esac
}
