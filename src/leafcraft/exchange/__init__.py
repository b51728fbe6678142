"""Exchange: products and stock as files, brought in and taken out, a row at a time however many there are."""
