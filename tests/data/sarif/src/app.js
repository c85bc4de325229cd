function run(code) {
  var unused = 1;
  return eval(code);
}
run("1");
