"""Exchange: products, stock and orders as files, brought in and taken out, a row at a time however many there are."""
