local function before(a)
  return a and 1
end

local function broken(a, = )
  if a the
end

local function after(a, b)
  while a < b do
    a = a + 1
  end
  return a
end
